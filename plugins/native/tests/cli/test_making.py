"""Accounts and links from the terminal."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hubauth_core.cli.extending import Beside
from hubauth_native import NativeProvider

Run = Callable[..., Result]
LINK = re.compile(r"https://hub\.test/hub/auth/local/first-password\?token=(\S+)")


def token_in(output: str) -> str:
    [token] = LINK.findall(output)
    return str(token)


@pytest.mark.row("6.3.2")
def test_the_first_administrator_gets_a_link_and_no_password(run: Run, looked: Beside[NativeProvider]) -> None:
    accounts = looked.provider.house.accounts
    token = token_in(run("create-admin", "root").output)
    root = accounts.by_name("root")
    assert root is not None
    assert (root.admin, root.password_hash, root.vouched) == (True, None, True)
    assert looked.provider.house.recovery.look(token).id == root.id
    written = Path("audit.jsonl").read_text()
    assert token not in written
    assert next(json.loads(line)["kind"] for line in written.splitlines()) == "account_created"


def test_a_new_link_replaces_the_old_one_until_there_is_a_password(run: Run, looked: Beside[NativeProvider]) -> None:
    house = looked.provider.house
    first, second = token_in(run("create-admin", "root").output), token_in(run("create-admin", "root").output)
    assert house.recovery.look(second).username == "root"
    with pytest.raises(Exception, match="used already"):
        house.recovery.look(first)
    asyncio.run(house.recovery.reset(second, "seventeen fat geese", "127.0.0.1"))
    assert "There is an account 'root' already" in run("create-admin", "root", code=1).output


def test_an_account_that_somebody_else_made_is_made_no_administrator(run: Run, looked: Beside[NativeProvider]) -> None:
    house = looked.provider.house
    house.database.write_now(lambda connection: house.accounts.create(connection, "boss", status="pending"))
    assert "set-admin" in run("create-admin", "boss", code=1).output
    boss = house.accounts.by_name("boss")
    assert boss is not None
    assert (boss.admin, boss.status) == (None, "pending")


def test_a_hub_user_is_taken_over_on_request_alone(run: Run, looked: Beside[NativeProvider]) -> None:
    assert "--adopt" in run("create-admin", "ann", code=1).output
    assert looked.provider.house.accounts.by_name("ann") is None
    assert "It has the hub user 'ann'" in run("create", "ann", "--adopt").output
    ann = looked.provider.house.accounts.by_name("ann")
    assert ann is not None
    reached = looked.lead(ann.id, "ann")
    assert reached is not None
    assert reached.name == "ann"


def test_the_hub_user_of_another_identity_is_nobodys_to_take(run: Run, looked: Beside[NativeProvider]) -> None:
    hub_user = looked.free_hub_user("ann")
    assert hub_user is not None
    asyncio.run(looked.adopt("somebody", "ann", hub_user))
    assert "already belongs to somebody else" in run("create", "ann", "--adopt", code=1).output


@pytest.mark.parametrize("name", ["a/b", "", "аnn"])
def test_a_name_that_cannot_be_is_refused(run: Run, name: str) -> None:
    told = run("create", name, code=1)
    assert "token=" not in told.output
    assert "Error" in told.output


def test_an_invitation_is_printed(run: Run) -> None:
    assert "https://hub.test/hub/auth/local/invite?token=" in run("invite", "--uses", "3").output


def test_without_a_public_address_the_link_is_a_path_and_says_so(run: Run) -> None:
    config = Path("jupyterhub_config.py")
    config.write_text(config.read_text().replace('c.JupyterHub.public_url = "https://hub.test/"', ""))
    output = run("create", "zoe").output
    assert "\n  /hub/auth/local/first-password?token=" in output
    assert "public_url is not set" in output
