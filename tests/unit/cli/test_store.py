"""`hubauth upgrade-db` and `hubauth init` act on the database that the hub's configuration means."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from hubauth_core.cli import main
from hubauth_core.database import open_database
from hubauth_core.errors import ConfigError
from hubauth_core.identities import Identities
from hubauth_core.schema import VERSION_TABLE
from hubauth_core.types import HubUser

CONFIG = 'c.HubAuthenticator.db_url = "sqlite:///store.sqlite"\n'
OLD_USER = HubUser(id=1, name="ann", created=time.time() - 1000)


@pytest.fixture(autouse=True)
def _hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("jupyterhub_config.py").write_text(CONFIG)


def run(*arguments: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, input=typed)
    return result.exit_code, result.output


def sweep() -> None:
    """What the hub does at its start, where it has a user from before hubauth came."""
    database = open_database("sqlite:///store.sqlite")
    try:
        Identities(database).sweep([OLD_USER])
    finally:
        database.close()


def test_init_lets_a_hub_with_users_start_beside_an_empty_store() -> None:
    with pytest.raises(ConfigError, match="hubauth init"):
        sweep()
    code, output = run("init", "--yes")
    assert code == 0
    assert "store.sqlite (0 identities)" in output
    sweep()


def test_init_asks_first() -> None:
    code, output = run("init", typed="n\n")
    assert code == 1
    assert "Is the database of hubauth the right one?" in output
    with pytest.raises(ConfigError):
        sweep()


def test_upgrade_db_makes_the_database_and_does_no_harm_twice() -> None:
    for _ in range(2):
        code, output = run("upgrade-db")
        assert (code, output.strip()) == (0, f"sqlite:///{Path('store.sqlite').absolute()} is up to date.")


def test_database_of_a_newer_version_is_refused_in_one_sentence() -> None:
    run("upgrade-db")
    engine = create_engine("sqlite:///store.sqlite")
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    code, output = run("upgrade-db")
    assert code == 1
    assert output.startswith("Error: The database of hubauth has version 9999")


def test_password_of_a_database_server_is_not_shown() -> None:
    Path("jupyterhub_config.py").write_text('c.HubAuthenticator.db_url = "postgresql://u:hush@127.0.0.1:1/x"\n')
    code, output = run("upgrade-db")
    assert code != 0
    assert "hush" not in output


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("u:hush at somewhere", "is not the address of a database", id="no-url"),
        pytest.param("postgresql+nosuch://u:hush@127.0.0.1/x", "needs a driver", id="no-driver"),
        pytest.param("nosuch://u:hush@127.0.0.1/x", "needs a driver", id="no-dialect"),
    ],
)
def test_address_of_no_database_is_one_sentence_without_the_password(url: str, says: str) -> None:
    Path("jupyterhub_config.py").write_text(f"c.HubAuthenticator.db_url = {url!r}\n")
    code, output = run("upgrade-db")
    assert code == 1
    assert says in output
    assert "hush" not in output
