"""git as nobody, and as somebody whose credential one host gets."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from hubauth_binderhub import git
from hubauth_binderhub.errors import AccessRefused

from .git_host import GitHost
from .git_host import git as run_git
from .snare import Snare


@pytest.fixture
def sha(host: GitHost) -> str:
    """main of `private.git`."""
    host.let_in("ann", "private.git")
    return host.create("private.git")


@pytest.fixture
def url(host: GitHost) -> str:
    """The address of `private.git`."""
    return f"{host.url}/private.git"


@pytest.fixture
def hers(host: GitHost) -> git.GitCredential:
    """Opens `private.git`."""
    return git.GitCredential(host.url, "username=oauth2\\npassword=tok-ann")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://forge.test/lab/data.git", "https://forge.test"),
        ("http://127.0.0.1:8080/data", "http://127.0.0.1:8080"),
        ("https://[::1]:8443/data", "https://[::1]:8443"),
        ("git://forge.test/~ann/data", "git://forge.test"),
        ("https://Forge.TEST:443/data", "https://forge.test"),
        ("http://forge.test:80/data", "http://forge.test"),
        ("https://forge.test:80/data", "https://forge.test:80"),
    ],
)
def test_origin(url: str, origin: str) -> None:
    assert git.origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://ann:secret@forge.test/data",
        "https://ann@forge.test/data",
        "ssh://git@forge.test/data",
        "git@forge.test:data",
        "file:///etc/passwd",
        "ext::sh -c data",
        "https://*/data",
        "https://*.test/data",
        "https://forge.test\\@else.test/data",
        "https://forge.test\n.else.test/data",
        "https://forge.test/da ta",
        "https://forge.test/data\n",
        "https://forge.test%2Felse.test/data",
        "https:///data",
        "https://forge.test",
        "--upload-pack=touch",
    ],
)
def test_addresses_that_programs_read_differently_are_refused(url: str) -> None:
    with pytest.raises(AccessRefused):
        git.origin(url)


async def test_public(host: GitHost, url: str, sha: str) -> None:
    assert not await git.is_public(url)
    host.publish("private.git")
    assert await git.is_public(url)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/data.git", "https://nowhere.invalid/data.git"])
async def test_what_cannot_be_reached_is_not_public(address: str) -> None:
    assert not await git.is_public(address)


async def test_what_does_not_answer_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not await git.is_public(f"http://127.0.0.1:{silent.getsockname()[1]}/data.git")


async def test_credentials_of_this_machine_make_nothing_public(
    host: GitHost, url: str, sha: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login oauth2 password tok-ann\n")
    (tmp_path / "helper").write_text("#!/bin/sh\necho username=oauth2; echo password=tok-ann\n")
    (tmp_path / "askpass").write_text("#!/bin/sh\necho tok-ann\n")
    for program in ("helper", "askpass"):
        (tmp_path / program).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f'[credential]\n\thelper = {tmp_path}/helper\n[url "http://oauth2:tok-ann@127"]\n\tinsteadOf = http://127\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / ".gitconfig"))
    monkeypatch.setattr(git, "PASSED_ON", (*git.PASSED_ON, "GIT_CONFIG_SYSTEM"))  # as if it were in /etc
    monkeypatch.setenv("GIT_ASKPASS", str(tmp_path / "askpass"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "credential.helper")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "helper"))
    assert not await git.is_public(url)
    assert not host.visitors()


@pytest.mark.parametrize("ref", ["main", "HEAD", "refs/heads/main", "v1", "refs/tags/v1"])
async def test_reference_is_the_commit_it_stands_for(url: str, sha: str, hers: git.GitCredential, ref: str) -> None:
    assert await git.resolve(url, ref, hers) == sha


async def test_a_branch_is_not_one_whose_name_ends_alike(url: str, sha: str, hers: git.GitCredential) -> None:
    assert await git.resolve(url, "feature/main", hers) not in {None, sha}


@pytest.mark.parametrize("ref", ["mai", "m*", "*", "nothing", "main^", "--upload-pack=touch x", "a" * 40 + "-more"])
async def test_what_is_no_reference(url: str, sha: str, hers: git.GitCredential, ref: str) -> None:
    assert await git.resolve(url, ref, hers) is None


async def test_a_full_sha_is_looked_for(url: str, sha: str, hers: git.GitCredential) -> None:
    assert await git.resolve(url, sha, hers) == sha
    assert await git.resolve(url, "1" * 40, hers) is None


async def test_a_sha_that_is_no_commit(host: GitHost, url: str, sha: str, hers: git.GitCredential) -> None:
    tree = run_git("rev-parse", "main^{tree}", cwd=host.state.root / "private.git")
    assert await git.resolve(url, tree, hers) is None


@pytest.mark.parametrize("ref", ["main", "sha"])
async def test_whom_the_host_refuses(url: str, sha: str, host: GitHost, ref: str) -> None:
    his = git.GitCredential(host.url, "username=oauth2\\npassword=tok-bob")
    with pytest.raises(AccessRefused, match="does not open"):
        await git.resolve(url, sha if ref == "sha" else ref, his)
    with pytest.raises(AccessRefused, match="does not open"):
        await git.check_access(url, his)


@pytest.mark.row("V41")
async def test_the_credential_is_in_no_argument(
    url: str, sha: str, hers: git.GitCredential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/local/bin:/usr/bin:/bin")
    assert await git.resolve(url, sha, hers) == sha
    arguments = (tmp_path / "arguments").read_text()
    assert "ls-remote" in arguments
    assert "fetch" in arguments
    assert "tok-ann" not in arguments


@pytest.mark.row("10.1.1")
async def test_another_host_gets_nothing(trap: Snare, hers: git.GitCredential) -> None:
    with pytest.raises(AccessRefused):
        await git.check_access(f"{trap.url}/data.git", hers)
    assert trap.asked
    assert not trap.caught
