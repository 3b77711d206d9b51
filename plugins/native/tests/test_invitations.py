"""Links that let people sign up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hubauth_core import LoginRefused
from hubauth_native import NativeProvider

from .applying import CHEAP, MAIL, applied, found, letters, token_in

Start = Callable[..., NativeProvider]


@pytest.fixture
def begin(start: Start) -> Start:
    return lambda **options: start(**CHEAP, **options)


async def invited(native: NativeProvider, *args: Any, **more: Any) -> str:
    """The token of an invitation that was not mailed."""
    url = await native.house.invitations.invite(*args, **more)
    return url.partition("token=")[2]


async def refusal(native: NativeProvider, *args: Any, **typed: Any) -> str:
    with pytest.raises(LoginRefused) as refused:
        await applied(native, *args, **typed)
    return refused.value.code


@pytest.mark.row("M02")
@pytest.mark.parametrize("mode", ["approval", "invitation", "open"])
async def test_somebody_with_an_invitation_needs_no_approval(begin: Start, mode: str) -> None:
    native = begin(signup=mode)
    account = await applied(native, invitation=await invited(native, by="boss"))
    assert (account.status, account.origin) == ("active", "invitation")


@pytest.mark.row("M02")
async def test_an_invitation_lets_nobody_in_where_sign_up_is_closed(begin: Start) -> None:
    native = begin(signup="closed")
    assert await refusal(native, invitation=await invited(native)) == "signup_closed"


async def test_approval_may_be_asked_for_all_the_same(begin: Start) -> None:
    native = begin(signup="invitation", invitation_approves=False)
    assert (await applied(native, invitation=await invited(native))).status == "pending"


async def test_an_invitation_is_for_so_many_people_also_if_they_come_at_once(begin: Start) -> None:
    native = begin(signup="invitation")
    token = await invited(native, None, 2)
    sent = (applied(native, f"ann{number}", invitation=token) for number in range(6))
    ends = await asyncio.gather(*sent, return_exceptions=True)
    refused = [each.code for each in ends if isinstance(each, LoginRefused)]
    assert refused == ["link_over"] * 4
    assert sum(native.house.accounts.by_name(f"ann{number}") is not None for number in range(6)) == 2


async def test_an_application_that_fails_leaves_the_invitation(begin: Start) -> None:
    native = begin(signup="invitation")
    token = await invited(native)
    assert await refusal(native, "", invitation=token) == "name_invalid"
    other = await invited(native)
    await applied(native, "ann", invitation=other)
    assert await refusal(native, "ann", invitation=token) == "name_taken"
    assert await applied(native, "ben", invitation=token)


async def test_a_revoked_invitation_is_over(begin: Start) -> None:
    native = begin(signup="invitation")
    token = await invited(native, None, 5, by="boss")
    (listed,) = native.house.invitations.open()
    assert (listed.uses_left, listed.created_by, listed.id == token) == (5, "boss", False)
    await native.house.invitations.revoke(listed.id, "boss")
    assert await refusal(native, invitation=token) == "link_over"
    assert native.house.invitations.open() == []
    with pytest.raises(LoginRefused):
        await native.house.invitations.revoke(listed.id, "boss")
    kinds = [each.kind for each in native.house.core.events]  # type: ignore[attr-defined]
    assert kinds == ["invited", "invitation_revoked"]


async def test_an_invitation_is_for_one_provider(begin: Start, start: Start) -> None:
    token = await invited(begin(signup="invitation"))
    other = start("guests", signup="invitation", **CHEAP)
    assert await refusal(other, invitation=token) == "link_over"
    assert other.house.invitations.open() == []


@pytest.mark.row("M03")
async def test_a_mailed_invitation_proves_the_address_that_it_went_to(begin: Start) -> None:
    native = begin(signup="invitation", **MAIL)
    assert await native.house.invitations.invite("Ann@example.org", 7, by="boss") == "", "nobody else gets the link"
    (letter,) = letters(native)
    assert letter.to == "Ann@example.org"
    assert "/hub/auth/local/invite?token=" in letter.text
    assert "within 7 days" in letter.text
    account = await applied(native, email="other@example.org", invitation=token_in(letter))
    assert (account.email, account.email_verified, account.may_sign_in(0)) == ("Ann@example.org", True, True)
    assert await refusal(native, "ben", invitation=token_in(letter)) == "link_over", "it is for one person"


async def test_whoever_is_invited_twice_is_told_of_the_first_account(begin: Start) -> None:
    native = begin(signup="invitation", **MAIL)
    for _ in range(2):
        await native.house.invitations.invite("ann@example.org")
    first, second = map(token_in, letters(native))
    await applied(native, "ann", invitation=first)
    assert await refusal(native, "ben", invitation=second) == "email_taken"


@pytest.mark.row("M03", "V34")
async def test_an_invitation_that_was_not_mailed_proves_nothing(begin: Start) -> None:
    native = begin(signup="invitation")
    account = await applied(native, invitation=await invited(native, "ann@example.org"))
    assert (account.email, account.email_verified) == ("ann@example.org", False)
    stored = found(native, account)
    assert stored is not None
    assert not stored.email_verified


@pytest.mark.parametrize(
    ("email", "uses", "lifetime"),
    [(None, 0, 60.0), (None, -1, 60.0), (None, 10_000, 60.0), (None, 1, 1.0), (None, 1, 1e12), ("ann", 1, 60.0)],
)
async def test_what_can_be_no_invitation(begin: Start, email: str | None, uses: int, lifetime: float) -> None:
    native = begin()
    with pytest.raises(LoginRefused):
        await native.house.invitations.invite(email, uses, lifetime)
    assert native.house.invitations.open() == []
