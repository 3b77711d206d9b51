"""Accounts come in and go out by the terminal."""

from __future__ import annotations

import asyncio
import csv
import dbm.dumb
import json
import stat
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
from click.testing import Result
from jupyterhub import orm
from sqlalchemy import create_engine, select, text

from hubauth_core.cli.extending import Beside
from hubauth_native import NativeProvider
from hubauth_native.schema import mails

There = Beside[NativeProvider]
Run = Callable[..., Result]
HASH = bcrypt.hashpw(b"old and long enough", bcrypt.gensalt(4))


def firstuse(*names: str) -> None:
    with dbm.dumb.open("passwords.dbm", "c") as file:
        for name in names:
            file[name.encode()] = HASH


def hub_users(*names: str) -> None:
    with orm.new_session_factory("sqlite:///jupyterhub.sqlite")() as session:
        session.add_all(orm.User(name=name) for name in names)
        session.commit()
        session.get_bind().dispose()


def test_everybody_keeps_name_and_servers(run: Run, looked: There) -> None:
    firstuse("ann", "root", "new")
    dry = run("import", "firstuse", "--dry-run").output
    assert looked.provider.house.accounts.by_name("ann") is None
    done = run("import", "firstuse").output
    assert "3 created, 0 updated, 0 unchanged, 0 left out; 2 have the hub user of their name." in done
    assert dry == f"A dry run, nothing was written: {done}"
    for name in ("ann", "root"):
        account = looked.provider.house.accounts.by_name(name)
        assert account is not None
        reached = looked.lead(account.id, name)
        assert reached is not None
        assert reached.name == name
    assert "3 unchanged, 0 left out; 2 have the hub user" in run("import", "firstuse").output
    assert [path.name for path in Path().glob("passwords.dbm*")], "the file is the other authenticator's"


def test_who_waits_for_approval_gets_no_hub_user(run: Run, looked: There) -> None:
    Path("people.csv").write_text("username,status\nann,pending\n")
    output = run("import", "table", "people.csv", "--adopt").output
    assert "hub user: ann: It is not active" in output
    assert looked.free_hub_user("ann") is not None


def test_a_hub_user_of_another_identity_stays_that_ones(run: Run, looked: There) -> None:
    ann = looked.free_hub_user("ann")
    assert ann is not None
    asyncio.run(looked.adopt("somebody", "ann", ann))
    firstuse("ann")
    assert "hub user: ann: The hub user of this name is another identity's." in run("import", "firstuse").output
    assert looked.identities.find("local", "somebody") is not None


def test_a_table_gives_no_hub_users_away_unless_asked_to(run: Run, looked: There) -> None:
    Path("people.csv").write_text("username\nann\nzoe\n")
    run("import", "table", "people.csv")
    assert looked.free_hub_user("ann") is not None


def test_what_is_left_out_is_told_and_the_exit_code_says_so(run: Run, looked: There) -> None:
    Path("people.csv").write_text("username,admin\nzoe,no\nzoe,yes\na/b,\n")
    told = json.loads(run("import", "table", "people.csv", "--json", code=3).output)
    assert told["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "left_out": 2}
    assert [each["where"] for each in told["accounts"] if each["act"] == "left_out"] == ["line 3", "line 4"]
    zoe = looked.provider.house.accounts.by_name("zoe")
    assert zoe is not None
    assert zoe.admin is False


def test_what_is_said_of_many_is_said_once(run: Run) -> None:
    Path("people.csv").write_text("\n".join(["username", *(f"user{number}" for number in range(8))]))
    output = run("import", "table", "people.csv").output
    assert output.count("It has no password") == 1
    assert "note: user0, user1, user2, user3, user4 and 3 more: It has no password" in output


def test_long_work_shows_how_far_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("people.csv").write_text("\n".join(["username", *(f"user{number}" for number in range(150))]))
    assert "%" not in run("import", "table", "people.csv", "--dry-run").output, "nobody looks"
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    done = run("import", "table", "people.csv")
    assert "Importing" in done.stderr
    assert "100%" in done.stderr


def test_links_are_for_the_eyes_of_one(run: Run, looked: There) -> None:
    Path("people.csv").write_text("username,email\nzoe,z@b.test\nyan,\n")
    output = run("import", "table", "people.csv", "--links", "links.csv").output
    assert "token=" not in output
    assert stat.S_IMODE(Path("links.csv").stat().st_mode) == 0o600
    with Path("links.csv").open() as file:
        lines = {line["username"]: line for line in csv.DictReader(file)}
    assert lines.keys() == {"zoe", "yan"}
    token = lines["zoe"]["link"].partition("token=")[2]
    assert looked.provider.house.recovery.look(token).username == "zoe"
    run("import", "table", "people.csv", "--links", "links.csv", code=1)


def test_links_are_mailed_where_there_is_an_address(run: Run, looked: There) -> None:
    Path("people.csv").write_text("username,email,status\nzoe,z@b.test,\nyan,,\nmax,m@b.test,pending\n")
    assert "smtp_host is not set" in run("import", "table", "people.csv", "--mail-links", code=1).output
    config = Path("jupyterhub_config.py")
    mail = '"smtp_host": "mail.test", "mail_from": "hub@hub.test", "argon2_unsafe"'
    config.write_text(config.read_text().replace('"argon2_unsafe"', mail))
    output = run("import", "table", "people.csv", "--mail-links").output
    assert "1 of 2 accounts without a password are mailed a link." in output
    assert "token=" not in output
    with looked.database.read() as connection:
        [sealed] = connection.execute(select(mails.c.sealed)).scalars()
    assert b"token=" not in sealed


@pytest.mark.parametrize("form", ["json", "csv"])
def test_accounts_move_to_another_hub(run: Run, looked: There, form: str) -> None:
    firstuse("zoe")
    run("import", "firstuse")
    run("create", "yan", "--full-name", "=1+1", "--email", "y@b.test")
    file = f"moved.{form}"
    run("export", "--format", form, "--with-hashes", "-o", file)
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    before = {name: looked.provider.house.accounts.by_name(name) for name in ("zoe", "yan")}
    run("delete", "zoe", "yan", "--yes")
    run("import", "table", file)
    for name, old in before.items():
        new = looked.provider.house.accounts.by_name(name)
        assert old is not None
        assert new is not None
        kept = ("username", "full_name", "email", "email_verified", "status", "admin", "password_hash")
        assert [getattr(new, each) for each in kept] == [getattr(old, each) for each in kept]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_export_is_without_secrets(run: Run, form: str) -> None:
    firstuse("zoe")
    run("import", "firstuse")
    output = run("export", "--format", form).output
    assert "zoe" in output
    assert "$2b$" not in output
    assert "--output" in run("export", "--with-hashes", code=1).output


def test_a_spreadsheet_takes_nothing_for_a_formula(run: Run) -> None:
    run("create", "yan", "--full-name", "=1+1")
    assert ",'=1+1," in run("export", "--format", "csv").output


def test_nativeauthenticators_table_is_looked_for_in_the_hubs_own_database(run: Run) -> None:
    with create_engine("sqlite:///jupyterhub.sqlite").begin() as connection:
        columns = "id INTEGER PRIMARY KEY, username VARCHAR(128), password BLOB, is_authorized BOOLEAN"
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS users_info ({columns})"))
        row = {"name": "ann", "password": HASH}
        values = "(username, password, is_authorized) VALUES (:name, :password, 1)"
        connection.execute(text(f"INSERT INTO users_info {values}"), row)
    assert "1 created, 0 updated, 0 unchanged, 0 left out; 1 have" in run("import", "nativeauthenticator").output
