"""Run python-social-auth's own tests of its backends with hubauth's strategy and storage; print what came of it.

The tests come in its source distribution, of the version in constraints.txt, from the registry that pip uses; they are
kept in `.cache`, where tests of ours find them, too. With its own strategy and storage all of them pass, so what fails
here is a difference, and stands in differing.toml with its reason. `--own` runs them that way, `--fetch` only fetches
them; further arguments go to pytest.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CACHE = ROOT / ".cache"
TESTS = "social_core/tests/backends"


def version() -> str:
    """The version of python-social-auth that everything here is tested with."""
    found = re.search(r"^social-auth-core==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def source() -> Path:
    """The unpacked source distribution; fetched once."""
    wanted = CACHE / f"social_auth_core-{version()}"
    if not wanted.is_dir():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            fetch = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", folder]
            subprocess.run([sys.executable, "-m", "pip", *fetch, f"social-auth-core=={version()}"], check=True)
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
            (Path(folder) / wanted.name).rename(wanted)
    return wanted


def run(own: bool, arguments: list[str]) -> dict[str, list[str]]:
    """Which tests passed, and which failed."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder) / "outcomes.json"
        path = os.pathsep.join([str(source()), str(HERE)])
        environment = {**os.environ, "PYTHONPATH": path, "HUBAUTH_OUTCOMES": str(outcomes)}
        plugins = [
            "-p",
            "outcomes",
            *([] if own else ["-p", "conformance"]),
            "-p",
            "no:asyncio",
            "-p",
            "no:cacheprovider",
        ]
        options = ["-o", "addopts=", "--quiet", "--tb=short", "--disable-warnings", "-n", "2", "--dist", "worksteal"]
        command = [sys.executable, "-m", "pytest", *plugins, *options, *(arguments or [TESTS])]
        subprocess.run(command, cwd=source(), env=environment, check=False)
        found: dict[str, list[str]] = json.loads(outcomes.read_text())
    return found


def differing() -> dict[str, str]:
    """The listed differences: test -> reason."""
    listed = tomllib.loads((HERE / "differing.toml").read_text())
    return {f"{file}::{name}": reason for file, tests in listed.items() for name, reason in tests.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--own", action="store_true", help="with python-social-auth's own strategy and storage")
    parser.add_argument("--fetch", action="store_true", help="only see that they are there")
    chosen, arguments = parser.parse_known_args()
    if chosen.fetch:
        return int(not (source() / TESTS).is_dir())
    outcome = run(chosen.own, arguments)
    passed, failed = set(outcome["passed"]), set(outcome["failed"])
    listed = {} if chosen.own else differing()
    whose = "its own" if chosen.own else "hubauth's"
    say = sys.stdout.write
    say(
        f"\npython-social-auth's own backend tests: {len(passed)} of {len(passed | failed)} pass with {whose} strategy "
    )
    say(f"and storage, {len(failed & listed.keys())} differ (listed)\n")
    for name in sorted(failed & listed.keys()):
        say(f"  differs: {name}: {listed[name]}\n")
    for name in sorted(failed - listed.keys()):
        say(f"  FAILED, and is not listed: {name}\n")
    for name in sorted(passed & listed.keys()):
        say(f"  is listed, and passes: {name}\n")
    return int(bool(failed - listed.keys() or passed & listed.keys() or not passed))


if __name__ == "__main__":
    sys.exit(main())
