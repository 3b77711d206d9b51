"""Acts on accounts from the terminal: each asks where it ends something, and leaves the ending to the hub."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result
from sqlalchemy import select

from hubauth_core.cli.extending import Beside
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account
from hubauth_native.cli.acts import Until
from hubauth_native.schema import endings

There = Beside[NativeProvider]
Run = Callable[..., Result]


@pytest.fixture
def make(looked: There) -> Callable[..., Account]:
    """`make("zoe", status="pending")`."""

    def make(name: str, **values: object) -> Account:
        house = looked.provider.house
        return house.database.write_now(lambda connection: house.accounts.create(connection, name, **values))

    return make


def now(looked: There, account: Account) -> Account | None:
    return looked.provider.house.accounts.by_id(account.id)


def wanted(looked: There) -> dict[str, str]:
    """What the hub has to end."""
    with looked.database.read() as connection:
        return {row.account_id: row.kind for row in connection.execute(select(endings))}


def test_applicants_are_let_in_or_turned_away(run: Run, looked: There, make: Callable[..., Account]) -> None:
    zoe, max_ = make("zoe", status="pending"), make("max", status="pending")
    assert "1 account approved." in run("approve", "zoe").output
    assert "1 account refused." in run("refuse", "max", "--yes").output
    assert [each and each.status for each in (now(looked, zoe), now(looked, max_))] == ["active", None]


def test_deactivating_is_written_down_for_the_hub(run: Run, looked: There, make: Callable[..., Account]) -> None:
    zoe = make("zoe")
    run("deactivate", "zoe", "--until", "7d", "--reason", "holidays", "--yes")
    after = now(looked, zoe)
    assert after is not None
    assert (after.status, after.status_reason) == ("inactive", "holidays")
    assert 6.9 * 86400 < (after.inactive_until or 0) - time.time() <= 7 * 86400
    assert wanted(looked) == {zoe.id: "access"}
    run("reactivate", "zoe")
    assert (after := now(looked, zoe)) is not None
    assert after.status == "active"


def test_deleting_leaves_the_hub_user_to_the_hub(run: Run, looked: There, make: Callable[..., Account]) -> None:
    zoe = make("zoe")
    run("delete", "zoe", "--yes")
    assert now(looked, zoe) is None
    assert wanted(looked) == {zoe.id: "user"}


@pytest.mark.parametrize("act", ["refuse", "deactivate", "end-sessions", "reset-factors", "set-admin", "delete"])
def test_what_ends_something_asks_first(run: Run, looked: There, make: Callable[..., Account], act: str) -> None:
    zoe = make("zoe", status="pending" if act == "refuse" else "active")
    assert "zoe?" in run(act, "zoe", typed="n\n", code=1).output
    assert now(looked, zoe) == zoe
    assert wanted(looked) == {}


def test_a_misspelt_name_among_several_stops_all(run: Run, looked: There, make: Callable[..., Account]) -> None:
    zoe = make("zoe")
    assert "There is no account 'zo'" in run("delete", "zoe", "zo", "--yes", code=1).output
    assert now(looked, zoe) is not None


def test_an_account_has_two_names(run: Run, make: Callable[..., Account]) -> None:
    zoe = make("zoe")
    assert "zoe" in run("show", f"id:{zoe.id}").output
    assert json.loads(run("show", "ZOE", "--json").output)["id"] == zoe.id


def test_what_people_typed_cannot_move_the_cursor(run: Run, make: Callable[..., Account]) -> None:
    make("zoe", full_name="\x1b[2JZoe\nADMIN", email="\x1b[2Jz@b.test\nADMIN")
    for output in (run("list").output, run("show", "zoe").output):
        assert "\x1b" not in output
        assert "\nADMIN" not in output


def test_accounts_are_listed_filtered_and_as_json(run: Run, make: Callable[..., Account]) -> None:
    make("zoe")
    make("yan", status="pending")
    assert [line.split()[0] for line in run("list").output.splitlines()] == ["USERNAME", "yan", "zoe"]
    [yan] = json.loads(run("list", "--status", "pending", "--json").output)
    assert (yan["username"], yan["second_factor"]) == ("yan", False)
    assert "password_hash" not in yan
    assert json.loads(run("list", "--search", "nobody", "--json").output) == []


def test_what_happened_is_told(run: Run, make: Callable[..., Account]) -> None:
    make("zoe")
    run("deactivate", "zoe", "--reason", "lost badge", "--yes")
    [line] = json.loads(run("history", "zoe", "--json").output)
    assert (line["act"], line["actor"], line["reason"]) == ("account_deactivated", "command line", "lost badge")
    assert "lost badge" in run("history", "zoe").output


def test_of_several_providers_one_has_to_be_named(run: Run) -> None:
    path = Path("jupyterhub_config.py")
    config = path.read_text() + 'c.HubAuthenticator.providers["guests"] = {"type": "native", "username_prefix": "g-"}\n'
    config += 'c.HubAuthenticator.providers["local"]["username_prefix"] = ""\n'
    path.write_text(config)
    assert "Say which with --provider" in run("list", code=1).output
    run("list", "--provider", "guests")


@pytest.mark.parametrize(("text", "good"), [("90m", True), ("2999-01-01", True), ("2999-01-01 10:00", True),
    ("2001-01-01", False), ("soon", False), ("", False), ("99999d", False)])  # fmt: skip
def test_what_is_a_time(text: str, good: bool) -> None:
    if good:
        assert Until().convert(text, None, None) > time.time()
    else:
        with pytest.raises(click.BadParameter):
            Until().convert(text, None, None)
