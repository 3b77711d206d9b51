"""The helper is found where PATH does not lead to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hubauth_singleuser.git.whole_path import spelled_out

TOLD = {
    "GIT_CONFIG_COUNT": "5",
    "GIT_CONFIG_KEY_0": "user.name",
    "GIT_CONFIG_VALUE_0": "hubauth",
    "GIT_CONFIG_KEY_1": "credential.https://github.com.helper",
    "GIT_CONFIG_VALUE_1": "",
    "GIT_CONFIG_KEY_2": "credential.https://github.com.helper",
    "GIT_CONFIG_VALUE_2": "hubauth",
    "GIT_CONFIG_KEY_3": "credential.https://github.com.useHttpPath",
    "GIT_CONFIG_VALUE_3": "true",
    "GIT_CONFIG_KEY_4": "credential.helper",
    "GIT_CONFIG_VALUE_4": "store",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a helper, which needs quotes in a shell."""
    folder = tmp_path / "ann's $HOME"
    folder.mkdir()
    helper = folder / "git-credential-hubauth"
    helper.write_text("#!/bin/sh\necho username=$1\necho password=canary\n")
    helper.chmod(0o700)
    return folder


def test_only_what_names_the_helper_is_changed(folder: Path) -> None:
    assert list(spelled_out(TOLD, folder)) == ["GIT_CONFIG_VALUE_2"]


def test_git_finds_it_without_path(folder: Path) -> None:
    environment = {**TOLD, **spelled_out(TOLD, folder), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
    question = "protocol=https\nhost=github.com\n\n"
    done = subprocess.run(
        ["git", "credential", "fill"], input=question, env=environment, capture_output=True, text=True, check=True
    )
    assert "username=get\npassword=canary\n" in done.stdout


@pytest.mark.parametrize("count", [{}, {"GIT_CONFIG_COUNT": ""}, {"GIT_CONFIG_COUNT": "many"}])
def test_where_the_hub_said_nothing_nothing_is_said(folder: Path, count: dict[str, str]) -> None:
    assert spelled_out({name: TOLD[name] for name in TOLD if name != "GIT_CONFIG_COUNT"} | count, folder) == {}


def test_where_the_helper_is_not_git_goes_on_looking_for_it(tmp_path: Path) -> None:
    assert spelled_out(TOLD, tmp_path) == {}


def test_it_is_beside_the_python_that_runs_this(commands: Path) -> None:
    assert str(commands) in spelled_out(TOLD)["GIT_CONFIG_VALUE_2"]
