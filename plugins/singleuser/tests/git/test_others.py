"""Who else would be told to store the hub's token."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hubauth_singleuser.git import others as module
from hubauth_singleuser.git.others import listed, others
from hubauth_singleuser.git.places import Place

PLACE = Place.of("https", "forge.test", "git/team/r.git")
OURS = [("credential.https://forge.test/git.helper", "hubauth")]
RESET = [("credential.https://forge.test/git.helper", "")]
STORE = [("credential.helper", "store")]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (OURS, []),
        ([("credential.helper", "!'/my env/bin/git-credential-hubauth'")], []),
        (STORE + RESET + OURS, []),
        (STORE + OURS, ["store"]),
        (RESET + OURS + STORE, ["store"]),
        ([*STORE, ("credential.helper", ""), *OURS], []),
        ([*STORE, ("credential.https://forge.test/git/team/other.helper", ""), *OURS], ["store"]),
        ([*STORE, ("credential.https://github.com.helper", ""), *OURS], ["store"]),
        ([*STORE, ("credential.https://*.test.helper", ""), *OURS], ["store"]),
        ([("credential.https://forge.test.helper", "cache"), *OURS], ["cache"]),
        ([("credential.https://github.com.helper", "cache"), *OURS], []),
        ([("credential.https://forge.test/other.helper", "cache"), *OURS], []),
        ([("credential.https://*.test.helper", "cache"), *OURS], ["cache"]),
        ([("credential.https://me@forge.test.helper", "cache"), *OURS], ["cache"]),
        ([("credential.helper", "store --file x"), ("credential.helper", "cache")], ["store --file x", "cache"]),
    ],
)
def test_helpers_count_as_git_asks_them(settings: list[tuple[str, str]], found: list[str]) -> None:
    assert listed(PLACE, settings) == found


def test_git_itself_says_what_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, the command line, and a setting without a value."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert others(PLACE) == []
    config = tmp_path / ".gitconfig"
    config.write_text('[credential]\n\thelper = store\n[credential "https://forge.test"]\n\tHelper = two\\nlines\n')
    assert others(PLACE) == ["store", "two\nlines"]
    config.write_text("[credential]\n\thelper = store\n\thelper\n")
    assert others(PLACE) == []
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'credential.helper'='cache'")
    assert others(PLACE) == ["cache"]


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("git", 10)])
def test_without_git_nobody_stores(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(module.subprocess, "run", fail)
    assert others(PLACE) == []
