"""Real git, against git's own HTTP server, with nothing but the environment that a hub gives at spawn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

harness = pytest.importorskip("harness.git", reason="the git server of the repository's own tests")

Git = Callable[..., str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A git server with a private repository of ann's, and one of ben's."""
    with harness.git_server(tmp_path_factory.mktemp("server")) as running:
        running.repository("private.git")
        running.repository("bens.git")
        running.grant({"ann": {"private.git": "rw"}, "ben": {"bens.git": "rw"}})
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Ann's home, where she told git to write passwords down."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    return home


@pytest.fixture
def git(hub: Any, server: Any, commands: Path, home: Path) -> Git:
    """git in ann's server, where her account at the git server is connected."""
    hub.connect("forge", token="canary-1", username="ann", git_urls=[server.url])
    server.accept({"canary-1": "ann"})
    helper = f"credential.{server.url}.helper"
    settings = [(helper, ""), (helper, "hubauth"), (f"credential.{server.url}.useHttpPath", "true")]
    told = {
        f"GIT_CONFIG_{what}_{n}": pair[i] for n, pair in enumerate(settings) for i, what in enumerate(("KEY", "VALUE"))
    }
    environment = {
        **hub.environment,
        **told,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "HUBAUTH_GIT_URLS": json.dumps([server.url]),
        "HOME": str(home),
        "PATH": f"{commands}:/usr/local/bin:/usr/bin:/bin",
    }

    def run(*arguments: str, **more: str) -> str:
        return str(harness.git("-C", str(home), *arguments, environment=environment | more))

    return run


def holding(text: str, folder: Path) -> list[Path]:
    """Files below a folder that hold a text."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_clone_fetch_and_push_with_a_token_that_changes_in_between(git: Git, hub: Any, server: Any, home: Path) -> None:
    git("clone", "-c", "credential.helper=store", f"{server.url}/private.git", "work")
    git("-C", "work", "commit", "--allow-empty", "-m", "from ann's server")
    git("-C", "work", "push", "origin", "main")

    hub.connect("forge", token="canary-2", username="ann", git_urls=[server.url])
    server.accept({"canary-2": "ann"})
    git("-C", "work", "fetch", "origin")
    git("-C", "work", "commit", "--allow-empty", "-m", "with another token")
    git("-C", "work", "push", "origin", "main")
    assert "with another token" in git("-C", str(server.root / "private.git"), "log", "-1", "--format=%s", "main")

    assert holding("canary", home) == []
    assert not (home / ".git-credentials").exists()
    assert "oauth2" not in (home / "work/.git/config").read_text()


def test_git_asks_for_the_repository_and_not_for_the_host(git: Git, hub: Any, server: Any) -> None:
    git("ls-remote", f"{server.url}/private.git")
    [asked] = [url for url in hub.requests if "git-credential" in url]
    assert asked.endswith("%2Fprivate.git")


def test_a_repository_of_somebody_else_stays_closed(git: Git, server: Any, home: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        git("clone", f"{server.url}/bens.git")
    assert "not found" in failed.value.stderr
    assert holding("canary", home) == []


def test_a_refused_token_ends_in_a_sentence_and_no_prompt(git: Git, server: Any, home: Path) -> None:
    server.accept({})
    with pytest.raises(subprocess.CalledProcessError) as failed:
        git("ls-remote", f"{server.url}/private.git", GIT_TERMINAL_PROMPT="1")
    assert f"hubauth: {server.url} refused the credential" in failed.value.stderr
    assert "Authentication failed" in failed.value.stderr
    assert "canary" not in failed.value.stderr


def test_when_the_grant_is_dead_git_says_where_to_sign_in_and_stops(git: Git, hub: Any, server: Any) -> None:
    hub.refuse(409, "needs_login", "Forge wants you to sign in again.")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        git("ls-remote", f"{server.url}/private.git", GIT_TERMINAL_PROMPT="1", JUPYTERHUB_HOST="https://hub.test")
    assert "hubauth: Forge wants you to sign in again. https://hub.test/hub/connections" in failed.value.stderr
    assert "told us to quit" in failed.value.stderr


def test_another_account_has_another_way(git: Git, hub: Any, server: Any) -> None:
    """Her own password for a second account, in a helper of her own, named on the command line."""
    server.accept({"second": "ann"})
    address = server.url.replace("://", "://second@")
    helper = f"credential.{server.url}.helper=!echo password=second; true"
    git("-c", helper, "ls-remote", f"{address}/private.git")
    assert server.events()[-1][:2] == ["ann", 200]


def test_an_account_connected_later_works_at_once(git: Git, server: Any, home: Path) -> None:
    """The hub could not switch other helpers off, because it did not know of the account when the server started."""
    (home / ".gitconfig").unlink()
    git("ls-remote", f"{server.url}/private.git", GIT_CONFIG_VALUE_0="hubauth")


def test_no_helper_of_the_users_gets_the_token_to_store(git: Git, server: Any, home: Path) -> None:
    """Neither one that was there before the account was connected, nor one that is added by hand."""
    for more, arguments in (({"GIT_CONFIG_VALUE_0": "hubauth"}, []), ({}, ["-c", "credential.helper=store"])):
        with pytest.raises(subprocess.CalledProcessError) as failed:
            git(*arguments, "ls-remote", f"{server.url}/private.git", **more)
        assert "your credential helper 'store' would store the hub's token" in failed.value.stderr
        assert holding("canary", home) == []


def test_other_hosts_never_reach_the_hub(git: Git, hub: Any, server: Any) -> None:
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(subprocess.CalledProcessError):
        git("ls-remote", f"{elsewhere}/private.git")
    assert hub.requests == []
