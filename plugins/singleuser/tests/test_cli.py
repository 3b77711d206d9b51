"""`hubauth-singleuser` as a person and a script use it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hubauth_singleuser import cli


def test_status_is_a_table(in_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    in_server.connect("gitlab", username="ann\x1b[31m", expires_at=1_900_000_000.0)
    assert cli.main(["status"]) == 0
    head, github, gitlab, empty, foot = capsys.readouterr().out.splitlines()
    assert head.split() == ["PROVIDER", "ACCOUNT", "STATE", "EXPIRES", "SCOPES"]
    assert github.split() == ["github", "octocat", "ready", "-", "repo"]
    assert gitlab.split() == ["gitlab", "ann?[31m", "ready", "2030-03-17", "17:46", "UTC", "repo"]
    assert empty == ""
    assert foot.endswith("/hub/connections")


def test_status_is_json_for_programs(in_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    [github] = json.loads(capsys.readouterr().out)
    assert (github["provider"], github["state"], github["scopes"]) == ("github", "ready", ["repo"])


def test_status_fails_where_something_is_to_be_done(in_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    in_server.connect("gitlab", state="needs_login")
    assert cli.main(["status"]) == 1
    assert "sign in again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "slug", "code"), [(409, "needs_login", 1), (404, "not_connected", 1), (503, "x", 3)]
)
def test_exit_codes_tell_what_to_do(
    in_server: Any, capsys: pytest.CaptureFixture[str], status: int, slug: str, code: int
) -> None:
    in_server.refuse(status, slug, "Plain words.")
    assert cli.main(["token", "github"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hubauth: Plain words.")


def test_outside_of_a_server_it_says_so(
    in_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JUPYTERHUB_USER")
    assert cli.main(["status"]) == 1
    assert "JUPYTERHUB_USER is not set" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [[], ["status", "x"], ["token"], ["token", "github", "--min-ttl", "-1"]])
def test_what_is_not_understood(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(wrong)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_token_goes_into_a_pipe(hub: Any, commands: Path) -> None:
    command = [commands / "hubauth-singleuser", "token", "github", "--resource", "kafka", "--min-ttl", "300"]
    done = subprocess.run(command, env=hub.environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "gho_token-for-kafka\n"
    assert hub.requests == ["/hub/api/hubauth/users/ann/credentials/github?resource=kafka&min_ttl=300"]


@pytest.mark.parametrize("show", [False, True])
def test_a_terminal_shows_a_token_only_when_asked(hub: Any, commands: Path, show: bool) -> None:
    ours, theirs = pty.openpty()
    command = [commands / "hubauth-singleuser", "token", "github", *(["--show"] if show else [])]
    done = subprocess.run(command, env=hub.environment, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 1000) if show else b""
    os.close(ours)
    assert (done.returncode, shown) == ((0, b"gho_token\r\n") if show else (2, b""))
    assert (b"--show" in done.stderr) is not show
    assert bool(hub.requests) is show
