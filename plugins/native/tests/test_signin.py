"""A sign-in: who gets in, what everybody else is told, and what the owner of an account keeps while others guess."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from markupsafe import Markup
from traitlets import TraitError

from hubauth_core import Form, HubUser, Identity, LoginRefused, Refused, Request, Secret, SignIn, Updated
from hubauth_native import NativeProvider
from hubauth_native.captcha import Captcha
from hubauth_native.throttle import TooMany

from .applying import MAIL, letters
from .signing_in import CHEAP, HERE, PASSWORD, Browser, Visitor, make, now

Start = Callable[..., NativeProvider]
FREE = {"limits": {"sign_in": {"account": "100000/m", "address": "100000/m", "overall": "100000/m"}}}
ELSEWHERE = "198.51.100.9"


@pytest.fixture
def native(start: Start) -> NativeProvider:
    return start(**CHEAP)


@pytest.fixture
def free(start: Start) -> NativeProvider:
    """One whose limits nobody reaches."""
    return start(**CHEAP, **FREE, **MAIL)


@pytest.mark.row("M01")
@pytest.mark.parametrize("typed", ["ann", "Ann", " ann ", "ＡＮＮ", "ann@example.test", "ANN@Example.test"])
async def test_a_name_in_any_spelling_or_a_proved_address_signs_in(native: NativeProvider, typed: str) -> None:
    account = make(native, email="ann@example.test", email_verified=True, full_name="Ann Example")
    came = await Visitor(native).signs_in(typed)
    assert isinstance(came, SignIn)
    assert (came.identity.subject, came.identity.username) == (account.id, "ann")
    assert (came.identity.email, came.identity.email_verified) == ("ann@example.test", True)
    assert came.identity.claims["amr"] == ["pwd"]


@pytest.mark.row("M12", "V30")
async def test_an_address_that_nobody_has_proved_signs_nobody_in(native: NativeProvider) -> None:
    make(native, "mallory", email="ann@example.test")
    owner = make(native, "ann", password="ann's own password", email="ann@example.test", email_verified=True)
    assert (await Visitor(native).fails("ann@example.test", PASSWORD)).code == "bad_credentials"
    came = await Visitor(native).signs_in("ann@example.test", "ann's own password")
    assert isinstance(came, SignIn)
    assert came.identity.subject == owner.id


UNUSABLE: dict[str, dict[str, Any]] = {
    "unknown": {},
    "waits": {"status": "pending"},
    "closed": {"status": "inactive"},
    "closed-for-a-while": {"status": "inactive", "inactive_until": time.time() + 3600},
    "unproved": {"must_verify": True},
    "no-password": {"password": None},
    "not-a-hash": {"password_hash": Secret("letmein")},
}


@pytest.mark.row("S03", "6.3.8", "V09", "M07")
@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_whatever_is_wrong_the_answer_is_the_same(native: NativeProvider, case: str, password: str) -> None:
    make(native, "zoe")
    if case != "unknown":
        make(native, "ann", **UNUSABLE[case])
    expected = await Visitor(native).fails("zoe", "wrong")
    refusal = await Visitor(native).fails("ann", password)
    assert (type(refusal), refusal.code, refusal.sentence) == (type(expected), expected.code, expected.sentence)
    assert refusal.subject == expected.subject == ""


@pytest.mark.row("S03", "6.3.8")
@pytest.mark.parametrize("case", UNUSABLE)
async def test_who_may_not_sign_in_is_asked_for_nothing_more(start: Start, case: str) -> None:
    native = start(**CHEAP, terms_text="Be kind.")
    if case != "unknown":
        make(native, "ann", **UNUSABLE[case])
    assert (await Visitor(native).fails("ann", PASSWORD)).code == "bad_credentials"


@pytest.mark.row("V17")
@pytest.mark.parametrize("meanwhile", [{"status": "inactive"}, {"password_set_at": 9.0}], ids=["closed", "changed"])
async def test_who_is_closed_while_the_hub_looks_does_not_get_in(
    native: NativeProvider, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any]
) -> None:
    account, verify = make(native), native.house.hasher.verify

    async def slowly(*given: Any) -> Any:
        found = await verify(*given)
        change(native, account.id, **meanwhile)
        return found

    monkeypatch.setattr(native.house.hasher, "verify", slowly)
    assert (await Visitor(native).fails("ann", PASSWORD)).code == "bad_credentials"


@pytest.mark.row("S03", "6.3.8")
@pytest.mark.parametrize("case", UNUSABLE)
async def test_every_attempt_costs_one_hash(native: NativeProvider, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if case != "unknown":
        make(native, "ann", **UNUSABLE[case])
    hashed, argon2 = [], native.house.hasher._argon2
    monkeypatch.setattr(
        native.house.hasher,
        "_argon2",
        SimpleNamespace(
            verify=lambda *given: hashed.append(given) or argon2.verify(*given),
            check_needs_rehash=argon2.check_needs_rehash,
        ),
    )
    await Visitor(native).fails("ann", PASSWORD)
    assert len(hashed) == 1


async def test_a_time_out_ends_by_itself(native: NativeProvider) -> None:
    make(native, status="inactive", inactive_until=time.time() - 1)
    assert isinstance(await Visitor(native).signs_in(), SignIn)


@pytest.mark.row("V09", "P10")
async def test_failures_in_a_row_are_counted_and_a_success_ends_the_row(free: NativeProvider) -> None:
    account = make(free, last_failure_at=5.0)
    await Visitor(free).signs_in()
    signed_in = now(free, account)
    assert (signed_in.failures, signed_in.last_failure_at) == (0, 5.0)
    assert signed_in.last_sign_in_at is not None
    for _ in range(3):
        await Visitor(free).fails("ann")
    failed = now(free, account)
    assert failed.failures == 3
    assert failed.last_failure_at is not None
    assert failed.last_failure_at > 5.0
    await Visitor(free).signs_in()
    assert (now(free, account).failures, now(free, account).last_failure_at) == (0, failed.last_failure_at)


@pytest.mark.row("6.3.1", "S04")
async def test_guessing_is_slowed_down_and_told_when_to_come_again(native: NativeProvider) -> None:
    make(native)
    refusals = [await Visitor(native).fails() for _ in range(7)]
    assert [each.code for each in refusals] == ["bad_credentials"] * 5 + ["too_many_attempts"] * 2
    last = refusals[-1]
    assert isinstance(last, TooMany)
    assert last.retry_after >= 1
    assert str(last.retry_after) in last.sentence


@pytest.mark.row("S03", "S04", "6.3.8")
async def test_a_name_that_is_nobodys_is_slowed_down_alike(native: NativeProvider) -> None:
    make(native, "ann")
    known = [asdict_of(await Visitor(native, ELSEWHERE).fails("ann")) for _ in range(7)]
    unknown = [asdict_of(await Visitor(native, HERE).fails("bob")) for _ in range(7)]
    assert known == unknown


def asdict_of(refusal: LoginRefused) -> tuple[Any, ...]:
    return type(refusal), refusal.code, refusal.sentence, getattr(refusal, "retry_after", None)


@pytest.mark.row("V40")
async def test_other_spellings_and_the_address_are_the_same_account(native: NativeProvider) -> None:
    make(native, email="ann@example.test", email_verified=True)
    spellings = ["ann", "ANN", "ａnn", "ann@example.test", "Ann@EXAMPLE.test", " ann"]
    codes = [
        (await Visitor(native, f"198.51.100.{number}").fails(typed)).code for number, typed in enumerate(spellings)
    ]
    assert codes == ["bad_credentials"] * 5 + ["too_many_attempts"]


@pytest.mark.row("V40", "S03")
async def test_other_spellings_of_nobodys_name_are_one_name(native: NativeProvider) -> None:
    codes = [(await Visitor(native).fails(typed)).code for typed in ["bob", "BOB", "ｂob", " bob", "Bob", "bob "]]
    assert codes == ["bad_credentials"] * 5 + ["too_many_attempts"]


@pytest.mark.row("S04", "6.1.1")
async def test_an_attack_keeps_the_owner_out_nowhere_they_have_been_before(native: NativeProvider) -> None:
    make(native)
    browser = Browser()
    await Visitor(native, HERE, browser).signs_in()
    codes = {(await Visitor(native, ELSEWHERE).fails()).code for _ in range(20)}
    assert codes == {"bad_credentials", "too_many_attempts"}
    assert (await Visitor(native, "203.0.113.5").fails(password=PASSWORD)).code == "too_many_attempts"
    assert isinstance(await Visitor(native, "203.0.113.5", browser).signs_in(), SignIn)
    await Visitor(native, ELSEWHERE).fails()
    assert isinstance(await Visitor(native, HERE).signs_in(), SignIn)


@pytest.mark.row("S04")
async def test_a_known_browser_is_one_accounts_and_only_until_its_password_changes(native: NativeProvider) -> None:
    account, _ = make(native), make(native, "zoe")
    browser = Browser()
    await Visitor(native, HERE, browser).signs_in()
    for _ in range(9):
        await Visitor(native, ELSEWHERE).fails("zoe")
        await Visitor(native, ELSEWHERE).fails("ann")
    assert (await Visitor(native, "203.0.113.5", browser).fails("zoe", PASSWORD)).code == "too_many_attempts"
    change(native, account.id, password_set_at=2.0)
    assert (await Visitor(native, "203.0.113.5", browser).fails("ann", PASSWORD)).code == "too_many_attempts"


async def test_a_browser_is_known_for_some_accounts_and_forgets_the_oldest(free: NativeProvider) -> None:
    browser = Browser()
    for number in range(6):
        make(free, f"ann{number}")
        await Visitor(free, HERE, browser).signs_in(f"ann{number}")
    kept = next(iter(browser.cookies.values()))
    assert len(kept) < 1024
    ids = [free.house.accounts.by_name(f"ann{number}") for number in range(6)]
    assert [account is not None and account.id in kept for account in ids] == [False] * 2 + [True] * 4


@pytest.mark.row("P10", "6.3.5")
async def test_after_many_failures_only_the_owners_browser_gets_in_and_the_owner_is_told(free: NativeProvider) -> None:
    account = make(free, email="ann@example.test", email_verified=True)
    browser = Browser()
    await Visitor(free, HERE, browser).signs_in()
    for _ in range(100):
        await Visitor(free, ELSEWHERE).fails()
    assert now(free, account).failures == 90
    assert (await Visitor(free, HERE).fails(password=PASSWORD)).code == "bad_credentials"
    told = [letter.text for letter in letters(free)]
    assert len(told) == 2
    assert "10 times in a row" in told[0]
    assert "choose a new password" in told[1]
    assert isinstance(await Visitor(free, ELSEWHERE, browser).signs_in(), SignIn)
    assert isinstance(await Visitor(free, ELSEWHERE).signs_in(), SignIn)


@pytest.mark.row("P10")
async def test_no_more_than_a_hundred_failures_from_a_known_browser_either(free: NativeProvider) -> None:
    account = make(free)
    browser = Browser()
    await Visitor(free, HERE, browser).signs_in()
    for _ in range(120):
        await Visitor(free, HERE, browser).fails()
    assert now(free, account).failures == 100
    assert (await Visitor(free, HERE, browser).fails(password=PASSWORD)).code == "bad_credentials"


@pytest.mark.row("6.3.5")
async def test_an_owner_is_told_once_a_day_and_only_at_a_proved_address(free: NativeProvider) -> None:
    make(free, "ann", email="ann@example.test", email_verified=True)
    make(free, "zoe", email="zoe@example.test")
    for _ in range(30):
        await Visitor(free).fails("ann")
        await Visitor(free).fails("zoe")
    assert [letter.to for letter in letters(free)] == ["ann@example.test"]


@pytest.mark.row("P09")
async def test_an_old_hash_is_renewed_at_a_sign_in(start: Start) -> None:
    account = make(start(**CHEAP))
    stronger = start(**{**CHEAP, "argon2_time_cost": 2})
    await Visitor(stronger).signs_in()
    renewed = now(stronger, account)
    assert renewed.password_hash is not None
    assert "t=2" in renewed.password_hash.reveal()
    assert renewed.password_set_at == 1.0


async def test_a_password_that_must_change_does_so_before_anybody_is_in(native: NativeProvider, core: Any) -> None:
    account = make(native, must_change=True)
    visitor = Visitor(native)
    assert isinstance(await visitor.signs_in(), Form)
    for new, again in [("short", "short"), (PASSWORD, PASSWORD), ("coral staple 52 battery", "other")]:
        form = await visitor.types(new_password=new, new_password_again=again)
        assert isinstance(form, Form)
        assert form.error
    new = "coral staple 52 battery"
    assert isinstance(await visitor.types(new_password=new, new_password_again=new), SignIn)
    assert not now(native, account).must_change
    assert core.ended == [account.id]
    assert (await Visitor(native).fails(password=PASSWORD)).code == "bad_credentials"
    assert isinstance(await Visitor(native).signs_in(password=new), SignIn)


async def test_new_terms_are_accepted_before_anybody_is_in(start: Start) -> None:
    native = start(**CHEAP, terms_text="Be kind.", terms_version="2")
    account = make(native, terms_version="1")
    visitor = Visitor(native)
    form = await visitor.signs_in()
    assert isinstance(form, Form)
    assert form.inside is not None
    assert "Be kind." in form.inside
    assert isinstance(await visitor.types(terms=""), Form)
    assert isinstance(await visitor.types(terms="1"), Form)
    assert isinstance(await visitor.types(terms="2"), SignIn)
    assert now(native, account).terms_version == "2"
    assert isinstance(await Visitor(native).signs_in(), SignIn)


@pytest.mark.row("V17")
@pytest.mark.parametrize("meanwhile", [{"status": "inactive"}, {"password_set_at": 9.0}])
async def test_who_is_closed_between_two_steps_does_not_get_in(start: Start, meanwhile: dict[str, Any]) -> None:
    native = start(**CHEAP, terms_text="Be kind.")
    account = make(native)
    visitor = Visitor(native)
    await visitor.signs_in()
    change(native, account.id, **meanwhile)
    with pytest.raises(LoginRefused) as refusal:
        await visitor.types(terms="anything")
    assert refusal.value.code == "state_expired"


@pytest.mark.row("V17")
async def test_a_refresh_refuses_who_is_closed_waits_or_is_gone(native: NativeProvider) -> None:
    account = make(native, email="ann@example.test", email_verified=True, admin=True)
    known = Identity(provider="local", subject=account.id, username="old-name")
    answer = await native.refresh_identity(known, None, SimpleNamespace())
    assert isinstance(answer, Updated)
    assert (answer.identity.username, answer.identity.email) == ("ann", "ann@example.test")
    assert answer.decision is not None
    assert answer.decision.admin is True
    for closed in ({"status": "inactive"}, {"status": "pending"}):
        change(native, account.id, **closed)
        assert isinstance(await native.refresh_identity(known, None, SimpleNamespace()), Refused)
    native.house.database.write_now(lambda connection: native.house.accounts.delete(connection, account.id))
    assert isinstance(await native.refresh_identity(known, None, SimpleNamespace()), Refused)


@pytest.mark.row("V38")
async def test_a_name_that_was_given_away_meanwhile_is_refused_at_the_first_sign_in(
    native: NativeProvider, core: Any
) -> None:
    account = make(native, "root")
    with pytest.raises(LoginRefused) as refusal:
        await Visitor(native).signs_in("root")
    assert refusal.value.code == "name_taken"
    core.hub_users[account.id] = HubUser(id=1, name="root", created=1.0)
    assert isinstance(await Visitor(native).signs_in("root"), SignIn)


async def test_an_administrators_own_choice_of_a_name_stands(native: NativeProvider) -> None:
    make(native, "root", vouched=True)
    assert isinstance(await Visitor(native).signs_in("root"), SignIn)


async def test_a_hub_user_with_another_name_signs_in_by_that(native: NativeProvider, core: Any) -> None:
    account = make(native, "ann")
    row = orm.User(id=7, name="local-ann", created=datetime.datetime(2026, 1, 1))
    core.subject_of = lambda hub_user: account.id if hub_user.name == "local-ann" else None
    visitor = Visitor(native, HERE, Browser(hub_users={"local-ann": row}))
    assert isinstance(await visitor.signs_in("Local-Ann"), SignIn)


BAD_NAMES = [
    "\0",
    "a\0b",
    "👩‍🚀",
    "‮nna",
    "é" * 255,
    "x" * 10_000,
    "\ud800",
    "a@",
    "@",
    "' OR 1=1 --",
    "%00",
    "../x",
    "{{7*7}}",
]


@pytest.mark.row("V14")
@pytest.mark.parametrize("typed", BAD_NAMES, ids=ascii)
async def test_names_that_nobody_can_have_are_refused_like_any_other(native: NativeProvider, typed: str) -> None:
    assert (await Visitor(native, "", Browser()).fails(typed)).code == "bad_credentials"


@pytest.mark.parametrize("typed", ["\0", "a\0b", "👩‍🚀", "x" * 16_000, "\ud800", "é" * 5000], ids=ascii)
async def test_passwords_that_nobody_can_have_are_wrong(native: NativeProvider, typed: str) -> None:
    make(native)
    assert (await Visitor(native).fails("ann", typed)).code == "bad_credentials"


@pytest.mark.parametrize("fields", [{}, {"username": "ann"}, {"password": "x"}, {"username": "  ", "password": "x"}])
async def test_a_form_that_lacks_something_says_so(native: NativeProvider, fields: dict[str, str]) -> None:
    with pytest.raises(LoginRefused) as refusal:
        await Visitor(native).types(**fields)
    assert refusal.value.code == "bad_credentials"


@pytest.mark.parametrize("name", ["username", "password"])
async def test_a_field_that_comes_twice_is_refused(native: NativeProvider, name: str) -> None:
    make(native)
    with pytest.raises(LoginRefused) as refusal:
        await Visitor(native).types(**{"username": "ann", "password": PASSWORD, name: ["ann", PASSWORD]})
    assert refusal.value.code == "bad_request"


async def test_the_form_leads_on_to_a_lost_password_and_to_an_account(start: Start) -> None:
    offered = start(**CHEAP, signup="open")
    form = await offered.begin_login(SimpleNamespace(handler=Browser(), address=HERE), None)
    assert isinstance(form, Form)
    assert form.more is not None
    assert "('offers_sign_up', True)" in form.more


def change(native: NativeProvider, account_id: str, **values: Any) -> None:
    native.house.database.write_now(lambda connection: native.house.accounts.change(connection, account_id, **values))


class Sphinx(Captcha):
    """Lets pass who answers its riddle."""

    answer = "riddle"

    def field(self) -> Markup:
        return Markup("<input name=riddle>")

    async def check(self, request: Request) -> bool:
        return request.form.get("riddle") == ["man"]


@pytest.mark.row("S03", "6.3.8")
@pytest.mark.parametrize("who", ["ann", "nobody"])
async def test_after_some_attempts_a_person_has_to_show_that_they_are_one(start: Start, who: str) -> None:
    native = start(**CHEAP, captcha=Sphinx, captcha_after=2)
    make(native)
    visitor = Visitor(native)
    for _ in range(2):
        assert (await visitor.fails(who)).code == "bad_credentials"
    form = await native.begin_login(Request(address=HERE), None)
    assert isinstance(form, Form)
    assert form.inside == "<input name=riddle>"
    asked = await visitor.signs_in(who)
    assert isinstance(asked, Form)
    assert asked.inside == "<input name=riddle>"
    assert asked.fields[0].value == who
    asked = await visitor.types(username=who, password=PASSWORD, riddle="woman")
    assert isinstance(asked, Form)
    answered = visitor.types(username=who, password=PASSWORD, riddle="man")
    if who == "ann":
        assert isinstance(await answered, SignIn)
    else:
        with pytest.raises(LoginRefused) as refusal:
            await answered
        assert refusal.value.code == "bad_credentials"


async def test_a_known_browser_is_not_asked_for_a_riddle(start: Start) -> None:
    native = start(**CHEAP, captcha=Sphinx, captcha_after=0)
    make(native)
    browser = Browser()
    first = Visitor(native, HERE, browser)
    assert isinstance(await first.types(username="ann", password=PASSWORD, riddle="man"), SignIn)
    assert isinstance(await Visitor(native, HERE, browser).signs_in(), SignIn)


@pytest.mark.parametrize(
    ("limits", "part"),
    [
        ({"sign_inn": {}}, "nearest one is 'sign_in'"),
        ({"sign_in": {"acount": "5/m"}}, "nearest one is 'account'"),
        ({"sign_in": {"account": "5 a minute"}}, "'30/m'"),
    ],
)
def test_limits_that_cannot_be_stop_the_start(start: Start, limits: Any, part: str) -> None:
    with pytest.raises(TraitError, match=re.escape(part)):
        start(limits=limits)
