"""A second step of a sign-in: who is asked, what passes, what never passes twice, and what its owner learns."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyotp
import pytest
from sqlalchemy import insert, select

from hubauth_core import Challenge, ConfigError, Form, HubUser, Identity, LoginRefused, Secret, SignIn
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account
from hubauth_native.factors import recovery, totp
from hubauth_native.factors.store import FactorRefused
from hubauth_native.factors.upkeep import Upkeep
from hubauth_native.passwords.changing import set_password
from hubauth_native.schema import factors, history
from hubauth_native.throttle import TooMany

from .applying import MAIL, letters
from .conftest import StubCore
from .signing_in import CHEAP, PASSWORD, Browser, Visitor, make

Start = Callable[..., NativeProvider]
NOW = 1_700_000_015.0
FREE = {"limits": {"second_factor": {"account": "100000/m", "address": "100000/m", "overall": "100000/m"}}}


@dataclass
class Screen(Browser):
    """A browser that may be told a status."""

    status: int = 200
    request: Any = None
    names: dict[str, str] = field(default_factory=dict)

    def set_status(self, status: int) -> None:
        self.status = status

    def clear_cookie(self, name: str, **_: Any) -> None:
        self.cookies.pop(name, None)


class Clock:
    """The server's clock."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def provider(start: Start, **options: Any) -> NativeProvider:
    native = start(**CHEAP, **{**FREE, **options})
    native.house.totp.clock = Clock()
    return native


@pytest.fixture
def native(start: Start) -> NativeProvider:
    return provider(start)


def clock(native: NativeProvider) -> Clock:
    found = native.house.totp.clock
    assert isinstance(found, Clock)
    return found


async def enrolled(native: NativeProvider, owner: tuple[str, str], step: int = -1) -> pyotp.TOTP:
    """An authenticator app of somebody, and a set of recovery codes beside it."""
    secret = totp.new_secret()
    await native.house.database.write(await native.house.totp.sealed(owner, secret, "phone", step))
    return pyotp.TOTP(secret.reveal())


async def given_codes(native: NativeProvider, owner: tuple[str, str]) -> tuple[str, ...]:
    codes = recovery.new_codes()
    house = native.house
    await house.database.write(lambda connection: house.recovery_codes.replace(connection, [owner], codes))
    return codes


async def asked(native: NativeProvider, username: str = "ann", **more: Any) -> Visitor:
    """Somebody who has typed the right password and is asked for more."""
    visitor = Visitor(native, browser=Screen(), **more)
    assert isinstance(await visitor.signs_in(username), Form)
    return visitor


async def test_nobody_is_asked_who_has_no_factor(native: NativeProvider) -> None:
    make(native)
    assert isinstance(await Visitor(native).signs_in(), SignIn)


@pytest.mark.row("M17")
async def test_who_has_an_app_is_asked_for_its_code_after_the_right_password(native: NativeProvider) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    assert (await Visitor(native).fails()).code == "bad_credentials", "a wrong password says nothing of factors"
    visitor = await asked(native)
    wrong = await visitor.types(code="000000" if app.at(int(NOW)) != "000000" else "000001")
    assert isinstance(wrong, Form)
    assert "not right" in wrong.error
    assert visitor.browser.status == 403  # type: ignore[union-attr]
    came = await visitor.types(code=f" {app.at(int(NOW))[:3]} {app.at(int(NOW))[3:]} ")
    assert isinstance(came, SignIn)
    assert came.identity.claims["amr"] == ["pwd", "mfa"]


@pytest.mark.row("P10")
async def test_after_many_wrong_codes_the_right_one_is_none_until_there_is_a_new_password(
    native: NativeProvider,
) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    visitor = await asked(native)
    wrong = "000000" if app.at(int(NOW)) != "000000" else "000001"
    for _ in range(98):
        await visitor.types(code=wrong)
    assert isinstance(await visitor.types(code=app.at(int(NOW))), SignIn)
    assert native.house.accounts.by_id(ann.id).failures == 0  # type: ignore[union-attr]
    clock(native).now += 60
    visitor = await asked(native)
    for _ in range(110):
        await visitor.types(code=wrong)
    shut = await visitor.types(code=app.at(int(NOW) + 60))
    assert isinstance(shut, Form)
    assert "not right" in shut.error
    hashed = native.house.hasher._hash(PASSWORD)
    house = native.house
    await house.database.write(lambda connection: set_password(house, connection, ann.id, Secret(hashed)))
    visitor = await asked(native)
    assert isinstance(await visitor.types(code=app.at(int(NOW) + 60)), SignIn)


@pytest.mark.row("6.5.1", "V09")
async def test_a_code_works_once(native: NativeProvider) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    code = app.at(int(NOW))
    assert isinstance(await (await asked(native)).types(code=code), SignIn)
    assert isinstance(await (await asked(native)).types(code=code), Form)
    earlier = app.at(int(NOW) - 30)
    assert isinstance(await (await asked(native)).types(code=earlier), Form), "one before the last one is over, too"
    clock(native).now += 30
    assert isinstance(await (await asked(native)).types(code=app.at(int(NOW) + 30)), SignIn)


@pytest.mark.row("6.5.8", "6.5.5")
@pytest.mark.parametrize(("off", "passes"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_the_servers_clock_decides_and_a_phone_may_be_one_step_off(
    native: NativeProvider, off: int, passes: bool
) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    came = await (await asked(native)).types(code=app.at(int(NOW) + off * 30))
    assert isinstance(came, SignIn) is passes


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "１２３４５６", "12345a", "\0" * 6, "9" * 100_000, "\ud800", "-1e5  "]
)
async def test_what_is_no_code_is_refused(native: NativeProvider, typed: str) -> None:
    ann = make(native)
    await enrolled(native, ("local", ann.id))
    assert isinstance(await (await asked(native)).types(code=typed), Form)
    assert isinstance(await (await asked(native)).types(code=["1", "2"]), Form)
    assert isinstance(await (await asked(native)).types(), Form)


@pytest.mark.row("6.5.1", "6.5.2", "6.5.3")
async def test_a_recovery_code_works_once_and_its_owner_is_told(start: Start) -> None:
    native = provider(start, **MAIL)
    ann = make(native, email="ann@people.test", email_verified=True)
    await enrolled(native, ("local", ann.id))
    codes = await given_codes(native, ("local", ann.id))
    assert len(set(codes)) == 10
    assert all(len(recovery.code_in(code)) * 5 >= 112 for code in codes), "bits of each"
    visitor = await asked(native)
    form = await visitor.types(use="recovery")
    assert isinstance(form, Form)
    assert form.fields[0].label == "Recovery code"
    assert isinstance(await visitor.types(code=codes[3].upper().replace("-", " ")), SignIn)
    assert isinstance(await (await asked(native)).types(code=codes[3]), Form)
    assert native.house.recovery_codes.left([("local", ann.id)]) == 9
    [letter] = [each for each in letters(native) if "recovery code" in each.subject]
    assert "9 left" in letter.text
    with native.house.database.read() as connection:
        stored = repr(connection.execute(select(factors)).all())
    assert not any(code in stored or recovery.code_in(code) in stored for code in codes)


async def test_new_recovery_codes_take_the_place_of_the_old_ones(native: NativeProvider) -> None:
    ann = make(native)
    await enrolled(native, ("local", ann.id))
    old, new = await given_codes(native, ("local", ann.id)), await given_codes(native, ("local", ann.id))
    assert isinstance(await (await asked(native)).types(code=old[0]), Form)
    assert isinstance(await (await asked(native)).types(code=new[0]), SignIn)


@pytest.mark.row("V40")
async def test_codes_are_throttled_by_person(start: Start) -> None:
    native = provider(start, limits={"second_factor": {"account": "3/m", "address": "1000/m"}})
    ann = make(native, email="ann@people.test", email_verified=True)
    app = await enrolled(native, ("local", ann.id))
    visitor = await asked(native)
    for _ in range(3):
        await visitor.types(code="000000")
    with pytest.raises(TooMany):
        await visitor.types(code=app.at(int(NOW)))
    elsewhere = await asked(native, "ann@people.test", address="198.51.100.3")
    with pytest.raises(TooMany):
        await elsewhere.types(code=app.at(int(NOW)))


# Where one is needed.


def proposal_in(form: Form) -> tuple[str, Secret, list[str]]:
    """What a form proposes: the sealed text, the secret, the recovery codes."""
    markup = str(form.html)
    sealed = re.search(r'name="proposal" value="([^"]+)"', markup)
    secret = re.search(r'native-secret">([A-Z2-7 ]+)<', markup)
    assert sealed
    codes = re.findall(r"<code>([a-z2-7-]{29})</code>", markup)
    return sealed[1], Secret(secret[1].replace(" ", "") if secret else ""), codes


@pytest.mark.row("6.3.3")
async def test_who_needs_a_factor_and_has_none_adds_it_during_the_sign_in(start: Start) -> None:
    native = provider(start, second_factor="required", **MAIL)
    ann = make(native, email="ann@people.test", email_verified=True)
    visitor = Visitor(native, browser=Screen())
    form = await visitor.signs_in()
    assert isinstance(form, Form)
    sealed, secret, codes = proposal_in(form)
    assert "<svg" in str(form.html)
    assert len(codes) == 10
    again = await visitor.types(proposal=sealed, code="")
    assert isinstance(again, Form)
    assert proposal_in(again) == (sealed, secret, codes), "a typing error changes nothing"
    assert native.house.factors.of([("local", ann.id)]) == [], "nothing counts before it was shown to work"
    code = pyotp.TOTP(secret.reveal()).at(int(NOW))
    assert isinstance(await visitor.types(proposal=sealed, code=code), SignIn)
    assert isinstance(await (await asked(native)).types(code=code), Form), "that code was used"
    assert isinstance(await (await asked(native)).types(code=codes[0]), SignIn)
    assert "An authenticator app was added." in letters(native)[0].text
    assert "factor_added" in acts(native, ann)


def acts(native: NativeProvider, account: Account) -> list[str]:
    with native.house.database.read() as connection:
        found = connection.execute(select(history.c.act).where(history.c.account_id == account.id))
        return list(found.scalars())


async def test_a_form_that_comes_twice_adds_one_app(start: Start) -> None:
    native = provider(start, second_factor="required")
    ann, visitor = make(native), Visitor(native, browser=Screen())
    form = await visitor.signs_in()
    assert isinstance(form, Form)
    sealed, secret, codes = proposal_in(form)
    owners, code = [("local", ann.id)], pyotp.TOTP(secret.reveal()).at(int(NOW))
    proposal = native.house.enrolment.resume(owners, sealed)
    assert proposal is not None
    house = native.house
    await house.database.write(await house.enrolment.app(owners, proposal, code, "phone"))
    assert await house.recovery_codes.check(owners, codes[0])
    with pytest.raises(FactorRefused):
        await house.database.write(await house.enrolment.app(owners, proposal, code, "phone"))
    assert len(house.factors.of(owners, "totp")) == 1
    await house.database.write(house.enrolment.with_codes(owners, proposal, lambda _: "a passkey this time"))
    assert not await house.recovery_codes.check(owners, codes[0]), "a code that was used came back"


@pytest.mark.row("V32")
async def test_what_was_proposed_to_somebody_else_or_too_long_ago_is_not_taken(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = provider(start, second_factor="required")
    make(native)
    make(native, "ben")
    attacker, victim = Visitor(native, browser=Screen()), Visitor(native, browser=Screen())
    mine, theirs = await attacker.signs_in("ben"), await victim.signs_in("ann")
    assert isinstance(mine, Form)
    assert isinstance(theirs, Form)
    sealed, secret, _ = proposal_in(mine)
    code = pyotp.TOTP(secret.reveal()).at(int(NOW))
    for bad in (sealed, "", "AAAA", "\0", "é" * 40, "x" * 100_000):
        came = await victim.types(proposal=bad, code=code)
        assert isinstance(came, Form)
        assert "new secret" in came.error
    assert native.house.enrolment.resume([("local", "x")], sealed) is None
    owners = [("local", native.house.accounts.by_name("ben").id)]  # type: ignore[union-attr]
    assert native.house.enrolment.resume(owners, sealed) is not None
    later = time.time() + 1801
    monkeypatch.setattr("hubauth_native.factors.enrolment.time.time", lambda: later)
    assert native.house.enrolment.resume(owners, sealed) is None


async def test_administrators_alone_may_need_one(start: Start, core: StubCore) -> None:
    native = provider(start, second_factor="admins")
    boss, ann, keeper = make(native, "boss", admin=True), make(native), make(native, "keeper")
    core.hub_users[keeper.id] = HubUser(id=1, name="keeper", created=1.0, roles=frozenset({"user", "grading"}))
    assert native.house.second_factor.is_needed(boss)
    assert native.house.second_factor.is_needed(keeper)
    assert not native.house.second_factor.is_needed(ann)
    assert isinstance(await Visitor(native).signs_in(), SignIn)
    assert isinstance(await Visitor(native).signs_in("boss"), Form)


@pytest.mark.row("6.3.3")
async def test_whom_the_configuration_makes_an_administrator_needs_one_from_the_first_sign_in_on(start: Start) -> None:
    native = provider(start, second_factor="admins", admin_users={"boss"})
    make(native, "boss", vouched=True)
    assert isinstance(await Visitor(native).signs_in("boss"), Form)


@pytest.mark.parametrize("options", [{"second_factor": "required"}, {"second_factor": "admins"}])
def test_a_factor_that_nobody_can_add_is_not_demanded(start: Start, core: StubCore, options: dict[str, Any]) -> None:
    core.has_keys = False
    provider(start, **options)  # there are passkeys
    core.public_url = "https://192.0.2.1/hub/"
    with pytest.raises(ConfigError, match="nobody can add a second factor"):
        provider(start, **options)
    provider(start)
    with pytest.raises(ConfigError, match="crypt keys"):
        provider(start, second_factor_required_for=["github"])


@pytest.mark.parametrize("option", ["second_factor_for", "second_factor_required_for"])
def test_a_misspelt_provider_stops_the_start(start: Start, option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option}.*names 'githbu'"):
        provider(start, **{option: ["github", "githbu"]})


async def test_without_crypt_keys_there_is_no_app_to_add(start: Start, core: StubCore) -> None:
    core.has_keys = False
    native = provider(start, second_factor="required")
    make(native)
    visitor = Visitor(native, browser=Screen())
    form = await visitor.signs_in()
    assert isinstance(form, Form)
    assert "<svg" not in str(form.html)
    assert [button.value for button in form.buttons] == ["passkey"]
    sealed, _, _ = proposal_in(form)
    came = await visitor.types(proposal=sealed, code="123456")
    assert isinstance(came, Form)
    assert "no crypt keys" in came.error


# Keeping, and taking away.


@pytest.mark.row("6.4.3")
async def test_a_new_password_does_not_go_round_the_second_factor(native: NativeProvider) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    new = Secret(native.house.hasher._hash("an entirely other walk"))
    native.house.database.write_now(lambda connection: set_password(native.house, connection, ann.id, new, why="reset"))
    visitor = Visitor(native, browser=Screen())
    assert isinstance(await visitor.signs_in("ann", "an entirely other walk"), Form)
    assert isinstance(await visitor.types(code=app.at(int(NOW))), SignIn)


@pytest.mark.row("6.5.6")
async def test_an_administrator_takes_every_factor_of_a_person_away(native: NativeProvider, core: StubCore) -> None:
    ann, ben = make(native), make(native, "ben")
    user = HubUser(id=1, name="ann", created=1.0)
    core.identities[user] = [("github", "42"), ("local", ann.id)]
    for owner in (("github", "42"), ("local", ann.id), ("local", ben.id)):
        await enrolled(native, owner)
    await given_codes(native, ("github", "42"))
    house = native.house
    assert house.database.write_now(lambda connection: house.factors.reset(connection, "local", ann.id)) == 12
    assert house.factors.of(house.factors.owners("local", ann.id)) == []
    assert len(house.factors.of([("local", ben.id)])) == 1


@pytest.mark.row("6.3.7")
async def test_the_owner_learns_that_an_administrator_did(start: Start) -> None:
    native = provider(start, **MAIL)
    ann = make(native, email="ann@people.test", email_verified=True)
    await enrolled(native, ("local", ann.id))
    assert await native.house.administration.reset_factors([ann.id], actor="boss") == 1
    assert isinstance(await Visitor(native).signs_in(), SignIn)
    assert "An administrator has taken" in letters(native)[-1].text


async def test_recovery_codes_go_with_the_last_factor(native: NativeProvider) -> None:
    ann = make(native)
    owners = [("local", ann.id)]
    await enrolled(native, owners[0])
    await enrolled(native, owners[0])
    await given_codes(native, owners[0])
    house = native.house
    first, second = house.factors.of(owners, "totp")
    for factor, left in ((first, 11), (second, 0)):
        assert house.database.write_now(lambda connection, f=factor: house.factors.remove(connection, owners, f.id))
        assert len(house.factors.of(owners)) == left
    assert not house.database.write_now(lambda connection: house.factors.remove(connection, owners, first.id))


async def test_nobody_touches_the_factor_of_another(native: NativeProvider) -> None:
    ann, ben = make(native), make(native, "ben")
    await enrolled(native, ("local", ann.id))
    house = native.house
    [factor] = house.factors.of([("local", ann.id)])
    other = [("local", ben.id)]
    assert not house.database.write_now(lambda connection: house.factors.remove(connection, other, factor.id))
    assert not house.database.write_now(lambda connection: house.factors.rename(connection, other, factor.id, "mine"))
    assert house.factors.of([("local", ann.id)]) == [factor]


async def test_a_factor_counts_for_every_identity_of_its_person(native: NativeProvider, core: StubCore) -> None:
    """Else who makes another identity the home identity would have none any more."""
    ann = make(native)
    core.identities[HubUser(id=1, name="ann", created=1.0)] = [("github", "42"), ("local", ann.id)]
    app = await enrolled(native, ("github", "42"))
    assert isinstance(await (await asked(native)).types(code=app.at(int(NOW))), SignIn)


async def test_another_native_provider_keeps_factors_of_its_own(start: Start) -> None:
    native, other = provider(start), provider(start, name="other")
    ann = make(native)
    await enrolled(native, ("local", ann.id))
    assert other.house.factors.of([("local", ann.id)]) == []


async def test_there_is_a_limit_to_how_many_one_has(native: NativeProvider) -> None:
    for _ in range(10):
        await enrolled(native, ("local", "x"))
    with pytest.raises(FactorRefused, match="10 of these"):
        await enrolled(native, ("local", "x"))


async def test_an_app_whose_key_is_gone_lets_nobody_in_and_the_log_says_why(
    native: NativeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    native.house.database.write_now(
        lambda connection: connection.execute(factors.update().values(data=repr(("x", "totp", {})).encode()))
    )
    assert isinstance(await (await asked(native)).types(code=app.at(int(NOW))), Form)
    assert "crypt key is gone" in caplog.text


async def test_secrets_are_sealed_anew_under_a_new_first_key(native: NativeProvider, core: StubCore) -> None:
    app = await enrolled(native, ("local", "x"))
    opened = core.open

    async def by_an_old_key(owner: str, purpose: str, blob: bytes) -> tuple[dict[str, Any], bool]:
        content, _ = await opened(owner, purpose, blob.removesuffix(b"#old"))
        return content, not blob.endswith(b"#old")

    core.open = by_an_old_key  # type: ignore[method-assign]
    old = native.house.factors.of([("local", "x")])[0].data + b"#old"
    native.house.database.write_now(lambda connection: connection.execute(factors.update().values(data=old)))
    assert await native.house.totp.seal_anew() == 1
    assert await native.house.totp.seal_anew() == 0
    assert await native.house.totp.check([("local", "x")], app.at(int(NOW)))


async def test_factors_of_people_who_are_gone_are_forgotten(native: NativeProvider, core: StubCore) -> None:
    """Accounts take theirs along; of other providers nobody says that a hub user is gone."""
    ann = make(native)
    core.identities[HubUser(id=1, name="octo", created=1.0)] = [("github", "42")]
    owners = [("local", ann.id), ("github", "42"), ("github", "gone"), ("github", "new")]
    for owner in owners:
        await enrolled(native, owner)
    house, long_ago = native.house, factors.update().where(factors.c.subject != "new").values(created_at=1.0)
    house.database.write_now(lambda connection: connection.execute(long_ago))
    upkeep = next(each for work in core.work if isinstance(each := getattr(work, "__self__", None), Upkeep))
    await upkeep.once()
    assert [len(house.factors.of([owner])) for owner in owners] == [1, 1, 0, 1]


# Browsers that are not asked again.


async def test_a_browser_is_not_asked_again_where_that_is_wanted(start: Start) -> None:
    native = provider(start, remember_browser_days=7)
    ann, ben = make(native), make(native, "ben")
    app = await enrolled(native, ("local", ann.id))
    await enrolled(native, ("local", ben.id))
    visitor = await asked(native)
    assert isinstance(await visitor.types(code=app.at(int(NOW)), remember="on"), SignIn)
    assert isinstance(await visitor.signs_in(), SignIn)
    assert isinstance(await visitor.signs_in("ben"), Form), "it is remembered for one person"

    new = Secret(native.house.hasher._hash("an entirely other walk"))
    native.house.database.write_now(lambda connection: set_password(native.house, connection, ann.id, new))
    visitor.transaction = None
    assert isinstance(await visitor.signs_in("ann", "an entirely other walk"), Form), "a new password forgets it"


async def test_no_browser_is_remembered_unless_the_administrator_wants_it(native: NativeProvider) -> None:
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    visitor = await asked(native)
    assert isinstance(await visitor.types(code=app.at(int(NOW)), remember="on"), SignIn)
    assert isinstance(await visitor.signs_in(), Form)


async def test_a_further_factor_makes_every_browser_be_asked_again(start: Start) -> None:
    native = provider(start, remember_browser_days=7)
    ann = make(native)
    app = await enrolled(native, ("local", ann.id))
    visitor = await asked(native)
    await visitor.types(code=app.at(int(NOW)), remember="on")
    house, owners = native.house, [("local", ann.id)]
    proposal = house.enrolment.propose(owners)
    code = pyotp.TOTP(proposal.secret.reveal()).at(int(NOW))
    await house.database.write(await house.enrolment.app(owners, proposal, code, ""))
    assert isinstance(await visitor.signs_in(), Form)


# Of people who sign in at another provider.


def github(**claims: Any) -> Identity:
    return Identity(provider="github", subject="42", username="octo", claims=claims)


@pytest.mark.row("M17")
async def test_people_of_other_providers_are_asked_for_the_factor_that_they_have(start: Start) -> None:
    native = provider(start, second_factor_for=["github"])
    assert await native.check_login("github", github(), frozenset(), None) is None
    app = await enrolled(native, ("github", "42"))
    codes = await given_codes(native, ("github", "42"))
    challenge = await native.check_login("github", github(), frozenset(), None)
    assert isinstance(challenge, Challenge)
    wrong = await native.check_login("github", github(), frozenset(), {"code": ["000000"]})
    assert isinstance(wrong, Challenge)
    assert wrong.form.error
    other = await native.check_login("github", github(), frozenset(), {"use": ["recovery"], "code": [""]})
    assert isinstance(other, Challenge)
    assert other.form.fields[0].label == "Recovery code"
    good = {"code": [app.at(int(NOW))]}
    assert await native.check_login("github", github(), frozenset(), good) is None
    assert isinstance(await native.check_login("github", github(), frozenset(), good), Challenge)
    assert await native.check_login("github", github(), frozenset(), {"code": [codes[0]]}) is None
    assert (
        await native.check_login("gitlab", Identity(provider="gitlab", subject="42", username="o"), set(), None) is None
    )


@pytest.mark.row("M17")
async def test_a_source_that_has_seen_a_second_factor_is_believed(start: Start) -> None:
    native = provider(start, second_factor_for=["github"], second_factor_acr=["urn:silver"])
    await enrolled(native, ("github", "42"))
    for claims, trusted in [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "urn:silver"}, True),
        ({"amr": ["pwd", "otp"]}, False),
        ({"amr": "mfa"}, False),
        ({"amr": [["mfa"]]}, False),
        ({"acr": ["urn:silver"]}, False),
        ({"acr": "urn:gold"}, False),
    ]:
        came = await native.check_login("github", github(**claims), frozenset(), None)
        assert (came is None) is trusted, claims


@pytest.mark.row("6.3.3")
async def test_people_of_other_providers_may_have_to_add_one(start: Start) -> None:
    native = provider(start, second_factor_required_for=["github"])
    challenge = await native.check_login("github", github(), frozenset(), None)
    assert isinstance(challenge, Challenge)
    sealed, secret, codes = proposal_in(challenge.form)
    wrong = await native.check_login("github", github(), frozenset(), {"proposal": [sealed], "code": ["1"]})
    assert isinstance(wrong, Challenge)
    stale = await native.check_login("github", github(), frozenset(), {"proposal": ["x"], "code": ["1"]})
    assert isinstance(stale, Challenge)
    code = pyotp.TOTP(secret.reveal()).at(int(NOW))
    answer = {"proposal": [sealed], "code": [code]}
    assert await native.check_login("github", github(), frozenset(), answer) is None
    assert isinstance(await native.check_login("github", github(), frozenset(), None), Challenge)
    assert await native.check_login("github", github(), frozenset(), {"code": [codes[1]]}) is None


async def test_a_passkey_alone_cannot_be_asked_for_after_another_providers_sign_in(start: Start) -> None:
    native = provider(start, second_factor_for=["github"])
    row = {"id": "1", "keeper": "local", "provider": "github", "subject": "42", "kind": "passkey", "label": ""}
    more = {"data": b"{}", "digest": "d", "counter": 0, "challenged_at": 0.0, "created_at": 0.0}
    native.house.database.write_now(lambda connection: connection.execute(insert(factors).values(**row, **more)))
    with pytest.raises(LoginRefused) as refused:
        await native.check_login("github", github(), frozenset(), None)
    assert refused.value.code == "second_factor_needed"
