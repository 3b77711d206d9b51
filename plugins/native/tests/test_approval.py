"""Who decides about applicants, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from hubauth_core import LoginRefused
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account

from .applying import CHEAP, MAIL, applied, found, letters, token_in

Start = Callable[..., NativeProvider]
VOUCHING: Any = {"self_approval_domains": ["uni.example"], **MAIL}


@pytest.fixture
def begin(start: Start) -> Start:
    return lambda **options: start(**CHEAP, **options)


def announce(native: NativeProvider) -> None:
    native.house.database.write_now(native.house.approval.announce)


async def test_applicants_are_approved_together_and_once(begin: Start) -> None:
    native = begin()
    people = [await applied(native, name) for name in ("ann", "ben")]
    ids = [each.id for each in people]
    done = await native.house.approval.approve([*ids, ids[0], "nobody", ""], "boss")
    assert {each.username for each in done} == {"ann", "ben"}
    stored = [found(native, each) for each in people]
    assert [(each.status, each.approved_by) for each in stored if each] == [("active", "boss")] * 2
    assert await native.house.approval.approve(ids, "chief") == []
    assert await native.house.approval.refuse(ids, "chief") == [], "what is decided stays"
    told = [(each.kind, each.actor) for each in native.house.core.events if each.actor]  # type: ignore[attr-defined]
    assert told == [("account_approved", "boss")] * 2


async def test_nobody_to_decide_about_is_nothing_to_do(begin: Start) -> None:
    native = begin()
    assert await native.house.approval.approve([], "boss") == []
    assert await native.house.approval.refuse(["\0", "x" * 1000], "boss") == []


async def test_who_is_refused_is_gone_and_the_name_is_free(begin: Start) -> None:
    native = begin()
    account = await applied(native)
    assert [each.id for each in await native.house.approval.refuse([account.id], "boss", "no room")] == [account.id]
    assert found(native, account) is None
    assert (await applied(native)).id != account.id


async def test_applicants_of_another_provider_are_not_touched(begin: Start, start: Start) -> None:
    account = await applied(begin())
    other = start("guests", **CHEAP)
    assert await other.house.approval.approve([account.id], "boss") == []
    assert await other.house.approval.refuse([account.id], "boss") == []


@pytest.mark.parametrize(("decide", "subject"), [("approve", "approved"), ("refuse", "application")])
async def test_applicants_are_told(begin: Start, decide: str, subject: str) -> None:
    native = begin(**MAIL)
    account = await applied(native, email="ann@example.org")
    await native.house.verification.confirm(token_in(letters(native)[0]))
    await getattr(native.house.approval, decide)([account.id], "boss")
    letter = letters(native)[-1]
    assert letter.to == "ann@example.org"
    assert subject in letter.subject
    assert "ann" in letter.text


async def test_an_address_that_nobody_has_proved_gets_no_word(begin: Start) -> None:
    native = begin(**MAIL)
    account = await applied(native, email="victim@example.org")
    before = len(letters(native))
    await native.house.approval.approve([account.id], "boss")
    assert len(letters(native)) == before
    stored = found(native, account)
    assert stored is not None
    assert not stored.may_sign_in(time.time()), "an approval is no proof"


async def test_a_proved_address_at_a_domain_that_vouches_opens_the_account(begin: Start) -> None:
    native = begin(**VOUCHING)
    await applied(native, email="ann@Uni.Example")
    approved = await native.house.verification.confirm(token_in(letters(native)[0]))
    assert (approved.status, approved.approved_by) == ("active", "")
    events = [(each.kind, each.actor) for each in native.house.core.events]  # type: ignore[attr-defined]
    assert events[-1] == ("account_approved", "self_approval")


@pytest.mark.parametrize(
    "email", ["a@uni.example.evil.example", "a@xuni.example", "a@x.uni.example", "a@uniXexample.example"]
)
async def test_no_other_domain_vouches(begin: Start, email: str) -> None:
    native = begin(**VOUCHING)
    await applied(native, email=email)
    proved = await native.house.verification.confirm(token_in(letters(native)[0]))
    assert (proved.status, proved.email_verified) == ("pending", True)


async def test_a_link_does_nothing_for_somebody_who_was_refused(begin: Start) -> None:
    native = begin(**VOUCHING)
    account = await applied(native, email="ann@uni.example")
    await native.house.approval.refuse([account.id], "boss")
    with pytest.raises(LoginRefused) as refused:
        await native.house.verification.confirm(token_in(letters(native)[0]))
    assert refused.value.code == "link_over"
    assert found(native, account) is None


async def test_a_link_opens_no_account_that_was_deactivated(begin: Start) -> None:
    native = begin(**VOUCHING)
    account = await applied(native, email="ann@uni.example")
    native.house.database.write_now(
        lambda connection: native.house.accounts.change(connection, account.id, status="inactive")
    )
    proved = await native.house.verification.confirm(token_in(letters(native)[0]))
    assert proved.status == "inactive"


async def test_administrators_are_told_of_several_in_one_mail(begin: Start) -> None:
    native = begin(notify_admins=["boss@example.org", "admins"], notify_every=900.0, **MAIL)
    await applied(native, "ann")
    (first,) = letters(native)
    assert (first.to, "ann" in first.text) == ("boss@example.org", True)
    assert "https://hub.test/hub/auth/local/users" in first.text
    for name in ("ben", "cat"):
        await applied(native, name)
    announce(native)
    assert len(letters(native)) == 1, "they were told just now"

    now = time.time()
    native.house.approval._clock = lambda: now + 901
    announce(native)
    second = letters(native)[-1]
    assert "2 people" in second.subject
    assert "ben, cat" in second.text
    announce(native)
    assert len(letters(native)) == 2, "of each applicant once"


async def test_administrators_with_a_proved_address_are_told(begin: Start) -> None:
    native = begin(notify_admins=["admins"], **MAIL)

    def make(name: str, **values: Any) -> Account:
        work = lambda connection: native.house.accounts.create(connection, name, **values)  # noqa: E731
        return native.house.database.write_now(work)

    make("one", admin=True, email="one@example.org", email_verified=True)
    make("two", admin=True, email="two@example.org")
    make("three", email="three@example.org", email_verified=True)
    make("four", admin=True, email="four@example.org", email_verified=True, status="inactive")
    await applied(native)
    assert [letter.to for letter in letters(native)] == ["one@example.org"]


async def test_nobody_is_told_of_an_applicant_who_has_yet_to_prove_an_address(begin: Start) -> None:
    native = begin(notify_admins=["boss@example.org"], **MAIL)
    await applied(native, email="ann@example.org")
    announce(native)
    (link,) = letters(native)
    await native.house.verification.confirm(token_in(link))
    assert [letter.to for letter in letters(native)] == ["ann@example.org", "boss@example.org"]


async def test_an_account_whose_address_nobody_proves_runs_out(begin: Start) -> None:
    native = begin(signup="open", unverified_lasts=3600.0, **MAIL)
    silent, plain = await applied(native, "ann", email="ann@example.org"), await applied(native, "ben")
    native.house.database.write_now(native.house.approval.prune)
    assert found(native, silent)
    now = time.time()
    native.house.approval._clock = lambda: now + 3601
    native.house.database.write_now(native.house.approval.prune)
    assert (found(native, silent), found(native, plain)) == (None, plain)


async def test_whoever_comes_first_decides(begin: Start) -> None:
    for number in range(10):
        native = begin(**VOUCHING, limits={"verify": {"address": "100/s", "overall": "100/s"}})
        account = await applied(native, f"ann{number}", email=f"ann{number}@uni.example")
        token = token_in(letters(native)[-1])
        approval = native.house.approval
        ends = await asyncio.gather(
            approval.refuse([account.id], "one"),
            native.house.verification.confirm(token),
            approval.approve([account.id], "two"),
            approval.refuse([account.id], "three"),
            return_exceptions=True,
        )
        decided = [each for each in ends if isinstance(each, list) and each]
        stored = found(native, account)
        if stored is None:
            assert len(decided) == 1
            assert isinstance(ends[1], LoginRefused)
        else:
            assert stored.status == "active"
            assert not ends[0]
            assert not ends[3]
