"""Somebody applies for an account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from hubauth_core import ConfigError, LoginRefused, StoreError
from hubauth_native import NativeProvider, schema
from hubauth_native.passwords.typed import PasswordRefused

from .applying import CHEAP, MAIL, PASSWORD, application, applied, found, letters, token_in, until_refused

Start = Callable[..., NativeProvider]
MANY: Any = {kind: {"address": "1000/s", "account": "1000/s", "overall": "1000/s"} for kind in ("sign_up", "verify")}


@pytest.fixture
def begin(start: Start) -> Start:
    """Start a provider whose hashes cost next to nothing."""
    return lambda **options: start(**CHEAP, limits=MANY, **options)


async def refusal(native: NativeProvider, username: str = "ann", **typed: Any) -> str:
    with pytest.raises(LoginRefused) as refused:
        await applied(native, username, **typed)
    return refused.value.code


def rows(native: NativeProvider) -> dict[str, int]:
    """How much there is in the tables that a sign-up writes to."""
    with native.house.database.read() as connection:
        return {
            table.name.removeprefix("hubauth_native_"): connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in (schema.accounts, schema.history, schema.links, schema.mails)
        }


NOTHING = {"accounts": 0, "history": 0, "links": 0, "mails": 0}


@pytest.mark.row("M02")
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, "pending"),
        ({"open_signup": False}, "pending"),
        ({"open_signup": True}, "active"),
        ({"signup": "open"}, "active"),
    ],
)
async def test_who_signs_up_waits_for_an_administrator_unless_everybody_is_welcome(
    begin: Start, options: dict[str, Any], status: str
) -> None:
    native = begin(**options)
    account = await applied(native, "Ann", full_name=" Ann  Bee ", origin="192.0.2.7")
    stored = found(native, account)
    assert stored is not None
    assert (stored.username, stored.full_name, stored.status, stored.origin) == ("ann", "Ann Bee", status, "sign_up")
    assert not stored.vouched
    assert stored.admin is None
    assert (await native.house.hasher.verify(stored.password_hash, PASSWORD)).ok
    events = [(each.kind, each.subject, each.address) for each in native.house.core.events]  # type: ignore[attr-defined]
    assert events == [("account_created", account.id, "192.0.2.7")]


@pytest.mark.row("M02")
@pytest.mark.parametrize("mode", ["closed", "invitation"])
async def test_nobody_signs_up_where_it_is_closed_or_takes_an_invitation(begin: Start, mode: str) -> None:
    native = begin(signup=mode)
    assert await refusal(native) == "signup_closed"
    assert not native.house.sign_up.offered
    assert rows(native) == NOTHING


@pytest.mark.row("V38", "V09")
@pytest.mark.parametrize("other", ["ann", "ANN", "ａｎｎ", "аnn", " ann "])
async def test_a_name_that_looks_like_one_that_is_taken_is_taken(begin: Start, other: str) -> None:
    native = begin()
    await applied(native)
    assert await refusal(native, other) == "name_taken"
    assert rows(native)["accounts"] == 1


@pytest.mark.row("V08", "V09")
async def test_a_name_of_the_configuration_is_nobodys_to_take(begin: Start) -> None:
    native = begin(signup="open")
    native.house.core.configured_names = {"boss"}  # type: ignore[attr-defined]
    assert await refusal(native, "boss") == "name_taken"
    assert rows(native) == NOTHING


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"username": ""}, "name_invalid"),
        ({"username": "a\0b"}, "name_invalid"),
        ({"username": "x" * 10_000}, "name_invalid"),
        ({"full_name": "x" * 256}, "full_name_refused"),
        ({"full_name": "Ann\0"}, "full_name_refused"),
        ({"full_name": "Ann \u202egpj.exe"}, "full_name_refused"),
        ({"full_name": "\ud800"}, "full_name_refused"),
        ({"email": "ann"}, "email_invalid"),
        ({"email": "ann@example.org\nBcc: all@example.org"}, "email_invalid"),
        ({"email": "a" * 10_000 + "@example.org"}, "email_invalid"),
        ({"email": "ann@example.org\0"}, "email_invalid"),
        ({"email": "\ud800@example.org"}, "email_invalid"),
        ({"repeated": "another one"}, "password_differs"),
        ({"repeated": ""}, "password_differs"),
        ({"terms": "on"}, "terms_not_accepted"),
        ({"terms": ""}, "terms_not_accepted"),
        ({"invitation": "x" * 43}, "link_over"),
        ({"invitation": "\0\ud800"}, "link_over"),
    ],
)
async def test_what_cannot_be_taken_makes_no_account(begin: Start, typed: dict[str, str], code: str) -> None:
    native = begin(terms_text="Be kind.", terms_version="1", **MAIL)
    assert await refusal(native, **{"terms": "1", **typed}) == code
    assert rows(native) == NOTHING
    assert await applied(native, terms="1"), "one that can be taken does"


@pytest.mark.row("6.2.1", "6.2.4", "6.2.11")
@pytest.mark.parametrize("password", ["", "short", "password1", "12345678", "annabella annabella", "x" * 20_000])
async def test_the_rules_for_passwords_hold_here(begin: Start, password: str) -> None:
    native = begin()
    with pytest.raises(PasswordRefused):
        await applied(native, "annabella", password=password)
    assert rows(native) == NOTHING


@pytest.mark.row("6.2.5", "6.2.7", "6.2.8", "6.2.9")
@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "пароль из нескольких слов", "🦊 likes the lazy dog", "quartz zebra " * 19],
)
async def test_any_characters_make_a_password(begin: Start, password: str) -> None:
    native = begin()
    account = await applied(native, password=password)
    assert account.password_hash is not None
    assert (await native.house.hasher.verify(account.password_hash, password)).ok
    assert not (await native.house.hasher.verify(account.password_hash, password[:-1])).ok


async def test_terms_are_recorded_with_version_and_time(begin: Start) -> None:
    native = begin(terms_text="Be kind.", terms_version="2026-01")
    stored = found(native, await applied(native, terms="2026-01"))
    assert stored is not None
    assert stored.terms_version == "2026-01"
    assert stored.terms_at == pytest.approx(stored.created_at, abs=60)


@pytest.mark.row("M03")
async def test_whoever_gives_an_address_has_to_prove_it_before_anything_else(begin: Start) -> None:
    native = begin(signup="open", **MAIL)
    account = await applied(native, email=" Ann@example.org ")
    assert not account.may_sign_in(0)
    assert native.house.accounts.by_email("Ann@example.org") is None, "it counts for nothing yet"
    (letter,) = letters(native)
    assert letter.to == "Ann@example.org"
    assert "https://hub.test/hub/auth/local/verify?token=" in letter.text
    await native.house.verification.confirm(token_in(letter))
    stored = found(native, account)
    assert stored is not None
    assert stored.email_verified
    assert stored.may_sign_in(0)


async def test_without_mail_an_address_is_a_note(begin: Start) -> None:
    native = begin(signup="open")
    account = await applied(native, email="ann@example.org")
    assert account.may_sign_in(0)
    assert not account.email_verified
    assert native.house.accounts.by_email("ann@example.org") is None


@pytest.mark.parametrize(("asks", "email"), [("no", "ann@example.org"), ("optional", "")])
async def test_an_address_that_is_not_asked_for_is_not_kept(begin: Start, asks: str, email: str) -> None:
    account = await applied(begin(ask_email=asks, **MAIL), email=email)
    assert account.email is None
    assert not account.must_verify


async def test_an_address_that_is_required_is_required(begin: Start) -> None:
    assert await refusal(begin(ask_email="required", **MAIL)) == "email_invalid"


@pytest.mark.row("S03", "6.3.8")
async def test_a_taken_address_answers_like_a_free_one_and_its_owner_is_told(begin: Start) -> None:
    native = begin(signup="open", ask_email="required", **MAIL)
    owner = await applied(native, "olga", email="olga@example.org")
    await native.house.verification.confirm(token_in(letters(native)[0]))
    other = await applied(native, "mallory", email="OLGA@example.org")
    free = await applied(native, "carol", email="carol@example.org")
    seen = [(each.status, each.must_verify, each.email_verified) for each in (other, free)]
    assert seen[0] == seen[1]
    assert await refusal(native, "mallory", email="x@example.org") == "name_taken", "nor does the name tell"
    told, link = letters(native)[1:]
    assert (told.to, "token=" in told.text) == ("OLGA@example.org", False)
    assert "olga" in told.text
    assert "token=" in link.text
    assert found(native, owner) == native.house.accounts.by_email("olga@example.org")


@pytest.mark.row("M02")
@pytest.mark.parametrize(
    "email", ["ann@evil.example", "ann@x.uni.example", "ann@uni.example.evil.example", "ann@notuni.example", ""]
)
async def test_only_addresses_of_the_domain_sign_up_where_it_decides(begin: Start, email: str) -> None:
    native = begin(signup="email_domain", allowed_email_domains=["uni.example"], **MAIL)
    assert await refusal(native, email=email) in {"email_domain_refused", "email_invalid"}
    assert rows(native) == NOTHING
    account = await applied(native, email="ann@Uni.example")
    assert (account.status, account.must_verify) == ("pending", True)
    approved = await native.house.verification.confirm(token_in(letters(native)[0]))
    assert approved.may_sign_in(0)


async def test_one_form_that_is_sent_twice_makes_one_account(begin: Start) -> None:
    native = begin()
    sent = [applied(native, form="f" * 32) for _ in range(5)]
    assert len({account.id for account in await asyncio.gather(*sent)}) == 1
    assert (await applied(native, form="f" * 32)).username == "ann"
    assert rows(native)["accounts"] == 1


async def test_a_form_that_did_not_work_may_be_sent_again(begin: Start) -> None:
    native = begin()
    assert await refusal(native, "", form="f" * 32) == "name_invalid"
    assert (await applied(native, form="f" * 32)).username == "ann"


async def test_the_same_name_sent_by_many_makes_one_account(begin: Start) -> None:
    native = begin()
    ends = await asyncio.gather(*(applied(native) for _ in range(8)), return_exceptions=True)
    refused = [each.code for each in ends if isinstance(each, LoginRefused)]
    assert refused == ["name_taken"] * 7
    assert rows(native)["accounts"] == 1


async def test_where_a_letter_cannot_be_written_down_there_is_no_account(
    begin: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = begin(**MAIL)

    def broken(*_: object, **__: object) -> None:
        raise StoreError("full")

    monkeypatch.setattr(native.house.post.outbox, "post", broken)
    with pytest.raises(StoreError):
        await applied(native, email="ann@example.org")
    assert rows(native) == NOTHING


async def test_where_the_audit_trail_cannot_be_written_there_is_no_account(
    begin: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = begin()

    def broken(_: object) -> None:
        raise StoreError("full")

    with monkeypatch.context() as patch:
        patch.setattr(native.house.core, "record", broken)
        with pytest.raises(StoreError):
            await applied(native)
    assert rows(native) == NOTHING
    assert await applied(native)


async def test_no_more_than_so_many_wait(begin: Start) -> None:
    native = begin(most_waiting=2)
    first = await applied(native, "ann")
    await applied(native, "ben")
    assert await refusal(native, "cat") == "signup_closed"
    await native.house.approval.approve([first.id], "boss")
    await applied(native, "cat")


async def test_sign_ups_from_one_address_are_limited(start: Start) -> None:
    native = start(**CHEAP, limits={"sign_up": {"address": "3/m"}})
    refused = await until_refused(lambda number: applied(native, f"ann{number}", origin="192.0.2.7"))
    assert refused == "too_many_attempts"
    assert rows(native)["accounts"] < 10
    await applied(native, "ben", origin="198.51.100.1")


async def test_letters_to_one_address_are_limited(start: Start) -> None:
    native = start(**CHEAP, **MAIL, limits={"verify": {"account": "2/h"}})
    spelled = ("victim@example.org", "Victim@example.org")
    refused = await until_refused(lambda number: applied(native, f"ann{number}", email=spelled[number % 2]))
    assert refused == "too_many_attempts"
    assert len(letters(native)) < 10
    assert len(letters(native)) == rows(native)["accounts"]
    await applied(native, "ben", email="ben@example.org")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"signup": "closed", "open_signup": True}, "open_signup"),
        ({"signup": "email_domain"}, "allowed_email_domains"),
        ({"signup": "email_domain", "allowed_email_domains": ["uni.example"]}, "smtp_host"),
        ({"signup": "email_domain", "allowed_email_domains": ["*.uni.example"], **MAIL}, "allowed_email_domains"),
        ({"self_approval_domains": ["uni.example"]}, "smtp_host"),
        ({"self_approval_domains": ["uni.example"], "verify_email": False, **MAIL}, "verify_email"),
        ({"self_approval_domains": [".*"], **MAIL}, "self_approval_domains"),
        ({"ask_email": "required"}, "smtp_host"),
    ],
)
def test_options_that_contradict_each_other_stop_the_start(begin: Start, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        begin(**options)


def test_a_password_stands_in_no_repr() -> None:
    assert PASSWORD not in repr(application(repeated=PASSWORD))
