"""Other places are read as they are, and nothing is written there."""

from __future__ import annotations

import dbm.dumb
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hubauth_core import ConfigError, Secret
from hubauth_native.importing import firstuse, nativeauthenticator, table
from hubauth_native.importing.entry import Entry, Unreadable

HASH = "$2b$04$" + "a" * 53
OLD = "CREATE TABLE users_info (id INTEGER PRIMARY KEY, username VARCHAR(128), password BLOB, is_authorized BOOLEAN{})"


def native(path: Path, more: str = "", *rows: dict[str, object]) -> str:
    url = f"sqlite:///{path}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(OLD.format(more)))
        for row in rows:
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO users_info ({names}) VALUES ({marks})"), row)
    engine.dispose()
    return url


def test_native_accounts_are_read_with_what_there_is(tmp_path: Path) -> None:
    url = native(
        tmp_path / "hub db?.sqlite".replace("?", ""),
        ", email TEXT, has_2fa BOOLEAN, otp_secret TEXT",
        {"username": "ann", "password": HASH.encode(), "is_authorized": True, "email": "a@b.test", "has_2fa": True,
         "otp_secret": "JBSWY3DPEHPK3PXP"},
        {"username": "ben", "password": HASH.encode(), "is_authorized": False, "has_2fa": False,
         "otp_secret": "JBSWY3DPEHPK3PXP"},
    )  # fmt: skip
    ann, ben = nativeauthenticator.read(url)
    assert ann == Entry(
        username="ann", where="row 1", email="a@b.test", password_hash=Secret(HASH), totp=Secret("JBSWY3DPEHPK3PXP")
    )
    assert ben == Entry(username="ben", where="row 2", password_hash=Secret(HASH), status="pending")


def test_a_table_of_an_older_version_is_read_too(tmp_path: Path) -> None:
    url = native(tmp_path / "old", "", {"username": "ann", "password": b"\xff", "is_authorized": True})
    [found] = nativeauthenticator.read(url)
    assert isinstance(found, Unreadable)
    assert found.username == "ann"


def test_a_number_in_place_of_a_hash_takes_no_memory(tmp_path: Path) -> None:
    url = native(tmp_path / "odd", "", {"username": "ann", "password": 10**12, "is_authorized": True})
    [found] = nativeauthenticator.read(url)
    assert isinstance(found, Unreadable)


@pytest.mark.parametrize("index", ["'a', (0, 'x')", "'a'", "'"])
def test_a_damaged_index_of_a_dbm_file_is_told(index: str, tmp_path: Path) -> None:
    (tmp_path / "old.dir").write_text(f"{index}\n")
    (tmp_path / "old.dat").write_bytes(b"x")
    with pytest.raises(ConfigError, match="cannot be read as a dbm file"):
        list(firstuse.read(tmp_path / "old"))


@pytest.mark.parametrize(("url", "says"), [("sqlite:///gone.sqlite", "There is no file"), ("nonsense", "no address")])
def test_a_database_that_is_not_there_is_told_and_not_made(
    url: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=says):
        list(nativeauthenticator.read(url))
    assert [*tmp_path.iterdir()] == []


def test_a_hub_that_never_had_nativeauthenticator_is_told(tmp_path: Path) -> None:
    create_engine(f"sqlite:///{tmp_path / 'x'}").connect().close()
    with pytest.raises(ConfigError, match="no table users_info"):
        list(nativeauthenticator.read(f"sqlite:///{tmp_path / 'x'}"))


def test_firstuse_names_in_the_hubs_spelling_come_first(tmp_path: Path) -> None:
    path = tmp_path / "passwords.dbm"
    with dbm.dumb.open(str(path), "c") as file:
        file[b"Ann"] = file[b"ann"] = file[b"ben"] = HASH.encode()
        file[b"\xff"] = HASH.encode()
    found = list(firstuse.read(path))
    assert [each.username for each in found if isinstance(each, Entry)] == ["ann", "ben", "Ann"]
    assert [each.why for each in found if isinstance(each, Unreadable)] == [
        "Its name or its password hash cannot be read."
    ]


@pytest.mark.parametrize("body", [None, b"nonsense", b""])
def test_what_is_no_dbm_file_is_told(body: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "passwords.dbm"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(ConfigError, match="cannot be read"):
        list(firstuse.read(path))


def read(tmp_path: Path, body: str | bytes, name: str = "people.csv") -> list[Entry | Unreadable]:
    path = tmp_path / name
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return list(table.read(path))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_as_spreadsheets_write_it(tmp_path: Path, separator: str) -> None:
    head = separator.join(["Username", "Full_Name", "email", "email_verified", "status", "admin"])
    line = separator.join(['"ann"', "'=Ann", "a@b.test", "Yes", "pending", ""])
    assert read(tmp_path, f"\ufeff{head}\r\n{line}\r\n\r\n") == [
        Entry(username="ann", where="line 2", full_name="=Ann", email="a@b.test", email_verified=True, status="pending")
    ]


def test_each_bad_line_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, 'username,admin,full_name\nann,yes,"two\nlines"\nben,maybe,\ncid\nzoe,no,\n')
    assert [each.where for each in found] == ["line 2", "line 4", "line 5", "line 6"]
    assert [type(each) for each in found] == [Entry, Unreadable, Unreadable, Entry]
    assert isinstance(found[1], Unreadable)
    assert "yes, no or empty" in found[1].why


@pytest.mark.row("6.4.6")
@pytest.mark.parametrize(
    ("body", "name"), [("username,password\nann,x", "a.csv"), ('[{"username": "ann", "password": "x"}]', "a.json")]
)
def test_passwords_in_clear_are_refused_with_the_way_on(tmp_path: Path, body: str, name: str) -> None:
    with pytest.raises(ConfigError, match="one-time link"):
        read(tmp_path, body, name)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"username,emial\nann,x", "Did you mean 'email'"),
        (b"name\nann", "unknown column 'name'"),
        (b"email\nann", "no column 'username'"),
        (b"username,username\na,b", "twice"),
        (b"", "no column 'username'"),
        (b"username\n\xff", "not UTF-8: line 2"),
        (b"username\nann\n\0", "line 3 has a NUL"),
        (b'username\n"ann', "is no CSV"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_with_its_line(tmp_path: Path, body: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, body)


@pytest.mark.parametrize(
    ("body", "says"),
    [("{", "line 1 is no JSON"), ("[" * 100_000, "nested too deeply|no JSON"), ("1", "has to be a list"),
     ('[{"user": 1}]', "unknown column 'user'")],
)  # fmt: skip
def test_what_is_no_json_of_accounts_is_told(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, body, "people.json")


def test_json_is_read_by_types(tmp_path: Path) -> None:
    accounts = [{"username": "ann", "admin": True, "email": None, "created_at": 1.5}, {"username": 7}, "zoe"]
    ann, seven, zoe = read(tmp_path, json.dumps({"accounts": accounts}), "people.json")
    assert ann == Entry(username="ann", where="entry 1", admin=True)
    assert isinstance(seven, Unreadable)
    assert isinstance(zoe, Unreadable)
