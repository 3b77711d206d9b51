"""The demo's configuration is sound, private, and safe to be copied; what is missing is said in one sentence."""

from __future__ import annotations

import ast
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubauth_core.cli import main
from hubauth_core.cli.check import examine
from hubauth_core.cli.demo import command
from hubauth_core.cli.demo.hub import DemoHub, claim_port, literal, write_config
from hubauth_core.cli.demo.people import GUEST, GUEST_PASSWORD

SOURCES = {
    "university_issuer": "http://127.0.0.1:1",
    "university_secret": "one",
    "library_issuer": "http://127.0.0.1:2",
    "library_secret": "two",
    "guest": GUEST,
    "guest_password": GUEST_PASSWORD,
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_config(tmp_path, DemoHub(directory=tmp_path, port=8000).settings() | SOURCES)


def test_check_finds_no_error_in_the_configuration(config: Path) -> None:
    assert [each for each in examine(config) if each.level == "error"] == []


def test_configuration_holds_secrets_and_is_its_owners_alone(config: Path) -> None:
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_configuration_of_the_time_before_is_replaced(config: Path) -> None:
    settings = DemoHub(directory=config.parent, port=8123).settings() | SOURCES
    assert "http://127.0.0.1:8123" in write_config(config.parent, settings).read_text()


@pytest.mark.parametrize("value", ["plain", 'a "quoted" one', "back\\slash", "new\nline", "$dollar", "ünï"])
def test_what_is_filled_in_stays_what_it_is(value: str) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_any_free_port_will_do_for_zero() -> None:
    assert 0 < claim_port(0) < 65536


def test_missing_packages_are_named_with_the_command_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "NEEDED", ("json", "jupyterlab_that_is_not_there"))
    result = CliRunner().invoke(main, ["demo", "--port", "0"])
    assert result.exit_code == 1
    assert "The demo needs jupyterlab_that_is_not_there: pip install 'hubauth-core[demo]'" in result.output
