"""The demo's code forge: git itself, for access tokens that carry the scope."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from harness.git import git
from hubauth_core.cli.demo import git_http
from hubauth_core.cli.demo.forge import NAME, SCOPE, Forge, make_repository
from hubauth_core.testing.idp import Grant, Person

MEMBER = Person(subject="f-1", username="ann-codes", name="Ann")
OTHER = Person(subject="f-2", username="bob-codes", name="Bob")
REFS = f"/{NAME}/info/refs"
QUERY = {"service": "git-upload-pack"}


@pytest_asyncio.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    make_repository(tmp_path / "forge")
    members = frozenset({MEMBER.subject})
    async with Forge(title="F", people=[MEMBER, OTHER], repositories=tmp_path / "forge", members=members) as forge:
        yield forge


@pytest_asyncio.fixture
async def client(forge: Forge) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=forge.issuer, trust_env=False, timeout=60) as client:
        yield client


def token(forge: Forge, person: Person = MEMBER, scope: str = f"openid {SCOPE}") -> str:
    """A fresh access token of the forge."""
    grant = Grant(person=person, scope=scope, nonce=None, redirect_uri="", challenge="", made_at=time.time())
    return str(forge.answer(grant)["access_token"])


async def run(forge: Forge, password: str, *arguments: str | Path) -> str:
    """What git prints, beside the server that it asks; the helper gives the token as password."""
    helper = f"!f() {{ printf 'username=oauth2\\npassword={password}\\n'; }}; f"
    return await asyncio.to_thread(git, "-c", f"credential.helper={helper}", *map(str, arguments))


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`stand_in(source)`: a Python program in git's place."""

    def put(source: str) -> None:
        program = tmp_path / "git"
        program.write_text(f"#!{sys.executable} -I\n{source}")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


async def test_token_with_the_scope_clones_pushes_and_pulls(forge: Forge, tmp_path: Path) -> None:
    one, two, password = tmp_path / "one", tmp_path / "two", token(forge)
    await run(forge, password, "clone", forge.clone_url, one)
    await run(forge, password, "clone", forge.clone_url, two)
    (one / "large").write_bytes(bytes(range(256)) * 4000)
    git("-C", str(one), "add", ".")
    git("-C", str(one), "commit", "-m", "more")
    await run(forge, password, "-C", one, "-c", "http.postBuffer=1", "push")  # chunked
    await run(forge, password, "-C", two, "pull")
    assert (two / "large").read_bytes() == (one / "large").read_bytes()
    assert (two / "README.md").read_text().startswith("# Notes")


@pytest.mark.parametrize(
    "password",
    [
        pytest.param(lambda forge: "guessed", id="guessed"),
        pytest.param(lambda forge: forge.client_secret, id="client-secret"),
        pytest.param(lambda forge: token(forge, Person(subject="f-3", username="eve", name="Eve")), id="nobody-here"),
        pytest.param(lambda forge: "", id="empty"),
    ],
)
async def test_without_a_token_of_the_forge_git_is_asked_for_one(
    forge: Forge, client: httpx.AsyncClient, password: Callable[[Forge], str]
) -> None:
    for auth in (None, ("oauth2", password(forge))):
        response = await client.get(REFS, params=QUERY, auth=auth)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Basic realm=")


async def test_token_that_has_run_out_opens_nothing(forge: Forge, client: httpx.AsyncClient) -> None:
    password = token(forge)
    assert (await client.get(REFS, params=QUERY, auth=("", password))).status_code == 200
    forge.lifetime = -1
    assert (await client.get(REFS, params=QUERY, auth=("", password))).status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic /w==", "Bearer x", "x"])
async def test_header_that_cannot_be_read_is_no_credential(client: httpx.AsyncClient, header: str) -> None:
    assert (await client.get(REFS, params=QUERY, headers={"Authorization": header})).status_code == 401


async def test_token_without_the_scope_is_refused_and_git_says_why(forge: Forge, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        await run(forge, token(forge, scope="openid profile"), "clone", forge.clone_url, tmp_path / "clone")
    assert "remote: This token was not granted the scope 'repository'." in failed.value.stderr


async def test_others_cannot_tell_whether_there_is_a_repository(forge: Forge, client: httpx.AsyncClient) -> None:
    auth = ("", token(forge, OTHER))
    there = await client.get(REFS, params=QUERY, auth=auth)
    missing = await client.get("/none.git/info/refs", params=QUERY, auth=auth)
    assert (there.status_code, missing.status_code) == (404, 404)
    assert there.text == missing.text


@pytest.mark.parametrize("path", [f"/{NAME}/HEAD", f"/{NAME}/objects/info/packs", f"/..%2f{NAME}/info/refs", "/notes"])
async def test_nothing_but_what_git_asks_for_is_served(forge: Forge, client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, auth=("", token(forge)))).status_code == 404


async def test_backend_sees_the_request_and_neither_the_token_nor_our_environment(
    forge: Forge, client: httpx.AsyncClient, stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    stand_in(
        "import json, os, sys\n"
        "body = sys.stdin.read()\n"
        "sys.stdout.write('Status: 202 Fine\\r\\nContent-Type: application/json\\r\\n\\r\\n')\n"
        "print(json.dumps([sys.argv[1:], body, dict(os.environ)]))\n"
    )
    headers = {"Content-Type": "application/x-git", "Content-Encoding": "gzip", "Git-Protocol": "version=2"}
    response = await client.post(
        f"/{NAME}/git-upload-pack?a=%20b", content=b"packed", headers=headers, auth=("", token(forge))
    )
    arguments, body, environment = json.loads(response.text)
    assert (response.status_code, arguments, body) == (202, ["http-backend"], "packed")
    del environment["LC_CTYPE"]  # Python sets it
    assert environment == {
        "PATH": str(forge.repositories.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_PROJECT_ROOT": str(forge.repositories),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": "version=2",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/{NAME}/git-upload-pack",
        "QUERY_STRING": "a=%20b",
        "CONTENT_TYPE": "application/x-git",
        "CONTENT_LENGTH": "6",
        "HTTP_CONTENT_ENCODING": "gzip",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": "ann-codes",
    }


async def test_request_that_is_too_large_never_reaches_git(
    forge: Forge,
    client: httpx.AsyncClient,
    stand_in: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    stand_in(f"open({str(tmp_path / 'was here')!r}, 'w')")
    monkeypatch.setattr(git_http, "LARGEST_PUSH", 1000)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1000

    for content in (b"x" * 1001, endless()):
        try:
            response = await client.post(f"/{NAME}/git-receive-pack", content=content, auth=("", token(forge)))
            assert response.status_code == 400
        except httpx.TransportError:
            pass  # the line is cut
    assert not (tmp_path / "was here").exists()


async def test_backend_ends_when_whoever_asked_has_gone(
    forge: Forge, client: httpx.AsyncClient, stand_in: Callable[[str], None]
) -> None:
    stand_in("import os\nprint(f'Content-Type: text/plain\\r\\n\\r\\n{os.getpid()}')\nwhile True: print('x' * 1000)")
    async with client.stream("GET", REFS, params=QUERY, auth=("", token(forge))) as response:
        process = psutil.Process(int(await anext(response.aiter_lines())))
    await asyncio.to_thread(process.wait, 60)


def test_ctrl_c_does_not_reach_git_while_it_makes_the_repository(
    stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in(f"import os\nif os.getsid(0) == os.getpid(): open({str(tmp_path / 'alone')!r}, 'w')")
    make_repository(tmp_path)
    assert (tmp_path / "alone").exists()


def test_repository_of_the_time_before_is_kept(tmp_path: Path) -> None:
    make_repository(tmp_path)
    bare = ("-C", str(tmp_path / NAME))
    second = git(*bare, "commit-tree", "-m", "mine", "-p", "main", "main^{tree}").strip()
    git(*bare, "update-ref", "refs/heads/main", second)
    make_repository(tmp_path)
    assert git(*bare, "rev-parse", "main").strip() == second
