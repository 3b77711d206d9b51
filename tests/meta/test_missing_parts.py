"""A part that this machine lacks is one line of the summary, and a failure where everything is required."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

NEEDS_WARP = """
    import pytest

    @pytest.mark.parametrize("number", range(3))
    def test_engine(require, number):
        require("warp drive", None, "ask engineering")

    @pytest.fixture
    def engine(require):
        require("warp drive", None, "ask engineering")

    def test_bridge(engine):
        pass

    def test_ship():
        pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> pytest.Pytester:
    conftest = request.config.rootpath / "tests" / "conftest.py"
    pytester.makeconftest(conftest.read_text())
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(NEEDS_WARP)
    pytester.syspathinsert(conftest.parent)
    return pytester


def test_missing_part_is_skipped_with_one_line(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBAUTH_REQUIRE_ALL", raising=False)
    result = suite.runpytest("-ra")
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(["SKIPPED [[]4[]]*warp drive: missing (ask engineering)"])


def test_missing_part_fails_where_all_is_required(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBAUTH_REQUIRE_ALL", "1")
    result = suite.runpytest("-ra")
    result.assert_outcomes(passed=1, failed=3, errors=1)
    result.stdout.fnmatch_lines(["*HUBAUTH_REQUIRE_ALL=1: *warp drive: missing*"])


def test_module_level_skip_fails_where_all_is_required(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBAUTH_REQUIRE_ALL", "1")
    suite.makepyfile("import pytest; pytest.importorskip('no_such_module_here')")
    result = suite.runpytest("-ra")
    result.assert_outcomes(errors=1)
