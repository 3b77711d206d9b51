"""What is in the repository works elsewhere: no package registry's host, no path of one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MACHINE = re.compile(
    rb"/(?:work|opt(?!/tljh\b)|root|mnt|Users)/[\w.]+"  # a path of the machine that the file was written on
    rb"|/home/(?!jovyan\b|USERNAME\b)\w+"
    rb"|file:///(?!etc/passwd)\w"
)
REGISTRY = re.compile(
    rb"(?:pypi|npm|npmjs|registry|mirror|artifactory|nexus|devpi)[\w.-]*\.(?:org|com|io|net|internal|local|dev)\b[:/]"
    rb"|--(?:extra-)?index-url|--find-links|_authToken|\bfiles\.pythonhosted"
)
MAY_SAY_SO = {"tests/meta/test_tracked_files.py"}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if name and name not in MAY_SAY_SO]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    if not (ROOT / ".git").exists():
        pytest.skip("git repository: missing (this is not a clone)")
    return {name: (ROOT / name).read_bytes() for name in tracked() if (ROOT / name).is_file()}


@pytest.mark.parametrize("what", [MACHINE, REGISTRY], ids=["machine path", "registry host"])
def test_no_file_knows_where_it_was_written(files: dict[str, bytes], what: re.Pattern[bytes]) -> None:
    found = {name: match[0] for name, body in files.items() if (match := what.search(body))}
    assert not found


def test_what_commands_make_is_not_tracked(files: dict[str, bytes]) -> None:
    made = re.compile(r"(^|/)(node_modules|\.venvs?|__pycache__|package-lock\.json|\.pytest_cache)(/|$)|\.sqlite$")
    assert not [name for name in files if made.search(name)]
