"""The kit catches what it is for: each provider of `bad_providers.py` has one fault, and a test that must find it."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .modules import load

BAD = Path(__file__).with_name("bad_providers.py")


CASES = {name: case for name, case in inspect.getmembers(load(BAD), inspect.isclass) if hasattr(case, "caught_by")}

WHOLE = ("TestNothingWrong", "TestStatesNoAddress")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What failed, by class: the names of the tests without their cases."""
    report = tmp_path_factory.mktemp("kit") / "report.xml"
    wanted = [f"{BAD}::{name}::{test}" for name, case in CASES.items() for test in sorted(case.caught_by)]
    wanted += [f"{BAD}::{name}" for name in WHOLE]
    command = [sys.executable, "-m", "pytest", "--tb=no", "-p", "no:cacheprovider", f"--junitxml={report}", *wanted]
    without = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    subprocess.run(command, cwd=BAD.parents[2], env=without, capture_output=True, check=False, timeout=100)
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            found[case.attrib["classname"].rpartition(".")[2]].add(case.attrib["name"].partition("[")[0])
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_fault_is_found(name: str, failed: dict[str, set[str]]) -> None:
    assert failed[name] >= CASES[name].caught_by


def test_a_provider_without_fault_passes(failed: dict[str, set[str]]) -> None:
    assert failed["TestNothingWrong"] == set()


def test_a_missing_fact_fails_everywhere(failed: dict[str, set[str]]) -> None:
    assert failed["TestStatesNoAddress"] == {
        name for name in dir(CASES["TestNothingWrong"]) if name.startswith("test_")
    }
