"""git finds the helper where PATH does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hubauth_singleuser.git import located as module
from hubauth_singleuser.git.located import located

ENVIRONMENT = {
    "GIT_CONFIG_COUNT": "4",
    "GIT_CONFIG_KEY_0": "credential.https://github.com.helper",
    "GIT_CONFIG_VALUE_0": "",
    "GIT_CONFIG_KEY_1": "credential.https://github.com.helper",
    "GIT_CONFIG_VALUE_1": "hubauth",
    "GIT_CONFIG_KEY_2": "user.name",
    "GIT_CONFIG_VALUE_2": "hubauth",
    "GIT_CONFIG_KEY_3": "Credential.Helper",
    "GIT_CONFIG_VALUE_3": "hubauth",
}


def test_only_our_helper_gets_its_path(commands: Path) -> None:
    path = f"!{commands}/git-credential-hubauth"
    assert located(ENVIRONMENT) == {"GIT_CONFIG_VALUE_1": path, "GIT_CONFIG_VALUE_3": path}


@pytest.mark.parametrize("count", ["", "0", "-1", "many", "1", "9" * 5000])
def test_what_git_does_not_count_is_left_alone(count: str) -> None:
    assert located(ENVIRONMENT | {"GIT_CONFIG_COUNT": count}) == {}
    assert located({}) == {}


def test_a_helper_elsewhere_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: "/nowhere")
    assert located(ENVIRONMENT | {"PATH": str(tmp_path)}) == {}
    command = tmp_path / "git-credential-hubauth"
    command.write_text("")
    command.chmod(0o755)
    assert located(ENVIRONMENT | {"PATH": str(tmp_path)})["GIT_CONFIG_VALUE_1"] == f"!{command}"


def test_git_runs_a_command_from_a_folder_with_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    command = folder / "git-credential-hubauth"
    command.write_text("#!/bin/sh\necho username=u\necho password=p\n")
    command.chmod(0o755)
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(folder))
    environment = ENVIRONMENT | {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_TERMINAL_PROMPT": "0"}
    filled = subprocess.run(
        ["git", "credential", "fill"],
        input="url=https://github.com\n\n",
        env=environment | located(environment),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "password=p" in filled.stdout
