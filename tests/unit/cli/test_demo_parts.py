"""The demo's configuration is sound, private, and safe to be copied; what is missing is said in one sentence."""

from __future__ import annotations

import ast
import re
import stat
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from hubauth_core.cli import main
from hubauth_core.cli.check import examine
from hubauth_core.cli.demo import command
from hubauth_core.cli.demo.hub import DemoFailed, DemoHub, claim_port, literal, write_config
from hubauth_core.cli.demo.people import GUEST, GUEST_PASSWORD
from hubauth_core.cli.demo.sources import LOG, sources

SOURCES = {
    "university_issuer": "http://127.0.0.1:1",
    "university_secret": "one",
    "library_issuer": "http://127.0.0.1:2",
    "library_secret": "two",
    "guest": GUEST,
    "guest_password": GUEST_PASSWORD,
}
FORGE = {"forge_issuer": "http://127.0.0.1:3", "forge_secret": "three", "forge_scope": "repository"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "0" * 64)
    return write_config(tmp_path, DemoHub(directory=tmp_path, port=8000).settings() | SOURCES | FORGE)


def test_check_finds_no_error_in_the_configuration(config: Path) -> None:
    assert [each for each in examine(config) if each.level == "error"] == []


def test_forge_is_left_out_where_it_does_not_run(config: Path) -> None:
    assert "git_credential_helper" in config.read_text()
    without = write_config(config.parent, DemoHub(directory=config.parent, port=8000).settings() | SOURCES)
    assert "git_credential_helper" not in without.read_text()
    assert [each for each in examine(without) if each.level == "error"] == []


async def test_without_git_the_demo_runs_and_says_in_a_line_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with sources(tmp_path, 300) as beside:
        assert beside.forge is None
        assert beside.settings() == SOURCES | {
            "university_issuer": beside.university.issuer,
            "university_secret": beside.university.client_secret,
            "library_issuer": beside.library.issuer,
            "library_secret": beside.library.client_secret,
        }
        told = command.welcome(DemoHub(directory=tmp_path, port=8000), beside.forge, 300)
        [line] = [line for line in told.splitlines() if "Forge" in line]
        assert "git is not installed" in line


async def test_git_that_cannot_do_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho too old >&2; exit 129\n")
    git.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DemoFailed, match=r"git cannot make a repository here.\ntoo old"):
        async with sources(tmp_path, 300):
            pass


async def test_what_the_sources_are_asked_is_written_down(tmp_path: Path) -> None:
    async with sources(tmp_path, 300) as beside, httpx.AsyncClient(trust_env=False) as client:
        for each in (beside.university, beside.library, beside.forge):
            assert each is not None
            await client.get(f"{each.issuer}/jwks")
    logged = (tmp_path / LOG).read_text()
    assert re.findall(r" (\w[\w ]+): GET /jwks -> 200\n", logged) == ["University", "City Library", "Code Forge"]


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
