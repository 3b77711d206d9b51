"""What administrators do to accounts."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, insert, select

from hubauth_core import LoginRefused
from hubauth_native import NativeProvider, links
from hubauth_native.accounts import Account, NameTaken
from hubauth_native.administration import MOST, Administration, TooManyAccounts
from hubauth_native.deletion import close_orphans, hub_user_deleted, hub_user_renamed
from hubauth_native.schema import browsers, endings, metadata

if TYPE_CHECKING:
    from .conftest import StubCore

BOSS = {"actor": "boss", "address": "10.0.0.1"}


@pytest.fixture
def administration(native: NativeProvider) -> Administration:
    return native.house.administration


def create(native: NativeProvider, name: str, **values: Any) -> Account:
    return native.house.database.write_now(lambda connection: native.house.accounts.create(connection, name, **values))


def now_of(native: NativeProvider, account: Account) -> Account:
    found = native.house.accounts.by_id(account.id)
    assert found is not None
    return found


def acts(native: NativeProvider, account: Account) -> list[str]:
    return [past.act for past in native.house.administration.history(account.id)]


@pytest.mark.row("M23")
async def test_who_is_deactivated_is_out_at_once_and_history_says_why(
    native: NativeProvider, administration: Administration, core: StubCore
) -> None:
    ann, until = create(native, "ann"), time.time() + 3600
    assert await administration.deactivate([ann.id], until=until, reason="leave", **BOSS) == 1
    assert core.ended == [ann.id]
    assert not now_of(native, ann).may_sign_in(time.time())
    assert now_of(native, ann).may_sign_in(until + 1)
    past = administration.history(ann.id)[0]
    assert (past.act, past.reason, past.actor, past.address) == ("account_deactivated", "leave", "boss", "10.0.0.1")
    event = core.events[-1]
    assert (event.kind, event.subject, event.actor) == ("account_deactivated", ann.id, "boss")


async def test_what_is_so_already_is_not_done_again(
    native: NativeProvider, administration: Administration, core: StubCore
) -> None:
    ann = create(native, "ann")
    for expected in (1, 0):
        assert await administration.deactivate([ann.id], reason="gone", **BOSS) == expected
    for expected in (1, 0):
        assert await administration.reactivate([ann.id], **BOSS) == expected
    for expected in (1, 0):
        assert await administration.set_admin([ann.id], True, **BOSS) == expected
    assert acts(native, ann) == ["admin_made", "account_reactivated", "account_deactivated"]
    assert core.ended == [ann.id]


@pytest.mark.row("F19")
async def test_of_two_at_once_one_has_done_it(native: NativeProvider, administration: Administration) -> None:
    ann = create(native, "ann")
    done = await asyncio.gather(*(administration.deactivate([ann.id], reason="x", **BOSS) for _ in range(8)))
    assert sorted(done) == [0] * 7 + [1]
    assert acts(native, ann) == ["account_deactivated"]


async def test_an_applicant_becomes_nobody_but_by_approval(
    native: NativeProvider, administration: Administration
) -> None:
    ben = create(native, "ben", status="pending")
    assert await administration.deactivate([ben.id], **BOSS) == 0
    assert await administration.reactivate([ben.id], **BOSS) == 0
    assert now_of(native, ben).status == "pending"


async def test_an_act_on_many_is_all_or_nothing(
    native: NativeProvider, administration: Administration, core: StubCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [create(native, f"user{number}") for number in range(5)]
    noted: list[str] = []

    def fail_at_the_third(connection: Connection, account_id: str, *args: object, **kwargs: object) -> None:
        noted.append(account_id)
        if len(noted) == 3:
            raise LoginRefused("broken off")

    monkeypatch.setattr(
        type(native.house.accounts), "note", lambda _, *args, **kwargs: fail_at_the_third(*args, **kwargs)
    )
    with pytest.raises(LoginRefused):
        await administration.deactivate([each.id for each in people], **BOSS)
    assert {now_of(native, each).status for each in people} == {"active"}
    assert core.ended == []


async def test_more_than_one_act_takes_is_refused(administration: Administration) -> None:
    with pytest.raises(TooManyAccounts):
        await administration.deactivate([f"{number:032x}" for number in range(MOST + 1)], **BOSS)


@pytest.mark.row("6.4.6")
async def test_a_new_account_comes_with_a_link_and_no_password(
    native: NativeProvider, administration: Administration, core: StubCore
) -> None:
    account, url = await administration.create("Ann", full_name="Ann O", **BOSS)
    assert (account.username, account.status, account.vouched) == ("ann", "active", True)
    assert now_of(native, account).password_hash is None
    token = url.rpartition("=")[2]
    with native.house.database.read() as connection:
        assert links.look(connection, "local", "first_password", token).account_id == account.id
    assert token not in repr(core.events)


@pytest.mark.row("V09", "V21")
async def test_of_two_that_make_one_name_one_wins(administration: Administration) -> None:
    made = await asyncio.gather(
        *(administration.create(name, **BOSS) for name in ("ann", "ANN", "аnn")), return_exceptions=True
    )
    assert sum(isinstance(each, NameTaken) for each in made) == 2


@pytest.mark.row("V33")
async def test_an_address_that_an_administrator_types_is_not_proved(
    native: NativeProvider, administration: Administration
) -> None:
    ann = create(native, "ann", email="ann@house.org", email_verified=True)
    assert await administration.describe(ann.id, email="ann@house.org", **BOSS) == 0
    assert now_of(native, ann).email_verified
    assert await administration.describe(ann.id, email="other@house.org", full_name="A", **BOSS) == 1
    assert (now_of(native, ann).email, now_of(native, ann).email_verified) == ("other@house.org", False)


async def test_who_is_no_administrator_any_more_is_signed_out(
    native: NativeProvider, administration: Administration, core: StubCore
) -> None:
    ann = create(native, "ann", admin=True)
    await administration.set_admin([ann.id], False, **BOSS)
    assert now_of(native, ann).admin is False
    assert core.ended == [ann.id]


async def test_a_server_that_is_slow_to_stop_keeps_nobody_elses_sessions_open(
    native: NativeProvider, administration: Administration, core: StubCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick, stopped = create(native, "slow"), create(native, "quick"), asyncio.Event()

    async def end_access(subject: str) -> None:
        core.ended.append(subject)
        if subject == slow.id:
            await stopped.wait()

    monkeypatch.setattr(core, "end_access", end_access)
    monkeypatch.setattr("hubauth_native.endings.PATIENCE", 0.01)
    assert await administration.end_sessions([slow.id], **BOSS) == 1
    assert await administration.end_sessions([quick.id], **BOSS) == 1
    assert core.ended == [slow.id, quick.id]
    stopped.set()
    await native.house.endings.act()
    assert core.ended == [slow.id, quick.id], "nobody is ended twice for one reason"


# Deletion.


def rows_about(native: NativeProvider, account: Account) -> dict[str, int]:
    """How many rows of each table name an account, other than what has yet to end."""
    found = {}
    with native.house.database.read() as connection:
        for table in metadata.sorted_tables:
            columns = [table.c[name] for name in ("account_id", "subject", "id") if name in table.c]
            if table is not endings and columns:
                count = sum(account.id in map(str, row) for row in connection.execute(select(*columns)))
                found |= {table.name: count} if count else {}
    return found


def furnish(native: NativeProvider, account: Account) -> None:
    """Give an account one of everything."""

    def work(connection: Connection) -> None:
        native.house.accounts.note(connection, account.id, "x")
        links.make(connection, "local", "reset", lifetime=60, account_id=account.id)
        row = {"digest": "d", "keeper": "local", "provider": "local", "subject": account.id, "created_at": 0.0}
        connection.execute(insert(browsers).values(**row, expires_at=9e9))

    native.house.database.write_now(work)


@pytest.mark.row("V15")
async def test_with_an_account_goes_everything_and_its_hub_user(
    native: NativeProvider, administration: Administration, core: StubCore
) -> None:
    ann = create(native, "ann", email="ann@house.org", email_verified=True)
    furnish(native, ann)
    assert set(rows_about(native, ann)) == {
        f"hubauth_native_{each}" for each in ("accounts", "history", "links", "browsers")
    }
    assert await administration.delete([ann.id], **BOSS) == 1
    assert rows_about(native, ann) == {}
    assert core.deleted == [ann.id]
    assert await administration.delete([ann.id], **BOSS) == 0
    again = create(native, "ann", email="ann@house.org", email_verified=True)
    assert again.id != ann.id


@pytest.mark.row("V15")
async def test_with_a_hub_user_goes_the_account(native: NativeProvider, core: StubCore) -> None:
    ann = create(native, "ann")
    furnish(native, ann)
    for _ in range(2):
        await hub_user_deleted(native.house, ann.id)
    assert rows_about(native, ann) == {}
    assert [event.kind for event in core.events] == ["account_deleted"]


async def test_an_account_is_deleted_though_the_hub_is_down(
    native: NativeProvider, administration: Administration, core: StubCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = create(native, "ann")
    core.in_hub = False
    await administration.delete([ann.id], **BOSS)
    assert core.deleted == []
    core.in_hub = True
    await native.house.endings.act()
    assert core.deleted == [ann.id]


@pytest.mark.row("V15")
async def test_an_account_whose_hub_user_went_unseen_is_closed_and_can_be_opened(
    native: NativeProvider, administration: Administration, core: StubCore
) -> None:
    ann, ben = create(native, "ann"), create(native, "ben")
    core.orphaned = [ann.id, "f" * 32]
    for _ in range(2):
        await close_orphans(native.house)
    assert (now_of(native, ann).status, now_of(native, ben).status) == ("inactive", "active")
    assert acts(native, ann) == ["account_deactivated"]
    assert await administration.reactivate([ann.id], **BOSS) == 1


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("ann", "zoe", "zoe"),
        ("local-ann", "local-zoe", "zoe"),
        ("local-ann", "zoe", "ann"),
        ("ann", "ben", "ann"),
        ("ann", "root", "ann"),
        ("somebody", "zoe", "ann"),
    ],
)
@pytest.mark.row("V12")
async def test_a_renamed_hub_user_takes_the_account_along_but_never_to_a_name_that_gives_rights(
    native: NativeProvider, old: str, new: str, name: str
) -> None:
    ann, _ = create(native, "ann"), create(native, "ben")
    await hub_user_renamed(native.house, ann.id, old, new, frozenset({"root"}))
    assert now_of(native, ann).username == name
