"""A sign-in from what a provider says to the records of who is who, on a real store without a hub."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.flow import CANARY, TOKENS, House, said
from harness.shelf import Shelf
from hubauth_core import (
    Answered,
    Challenge,
    Decision,
    Event,
    Form,
    Identity,
    LoginRefused,
    ProviderError,
    Redirect,
    Request,
    Secret,
    SignIn,
    StoreError,
    Transaction,
    hookimpl,
)
from hubauth_core.database import Database
from hubauth_core.identities import new_id
from hubauth_core.schema import identities, vault
from hubauth_core.signin import Admitted
from hubauth_core.transaction import begin


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def house(shelf: Shelf, database: Database, trail: Path) -> House:
    return House(shelf, database, trail)


def is_empty(house: House) -> bool:
    return not any(house.rows().values())


# Begin and finish.


def answering(house: House, answer: object) -> None:
    vars(house.registry.provider("uni"))["answer"] = answer


async def test_a_sign_in_begins_with_the_providers_step_and_its_notes(house: House) -> None:
    answering(house, Redirect(url="https://uni.test", memo={"issuer": "https://uni.test"}))
    begun = begin("uni", redirect_uri="https://hub.test/cb", next_url="/hub/x")
    step, transaction = await house.flow.begin(Request(), begun)
    assert step == Redirect(url="https://uni.test", memo={"issuer": "https://uni.test"})
    assert (transaction.provider, transaction.redirect_uri) == ("uni", "https://hub.test/cb")
    assert (transaction.next_url, transaction.memo) == ("/hub/x", {"issuer": "https://uni.test"})


@pytest.mark.parametrize("step", [Form(text="Your code"), Redirect(url="https://uni.test/consent")])
async def test_a_further_step_is_handed_on_and_admits_nobody(house: House, step: object) -> None:
    answering(house, step)
    transaction = begin("uni", redirect_uri="", next_url="")
    assert await house.flow.finish(Request(), transaction) is step
    assert is_empty(house)


async def test_what_the_provider_says_is_admitted_and_nothing_is_written_yet(house: House) -> None:
    answering(house, said("7", "Ann", (TOKENS,)))
    admitted = await house.flow.finish(Request(), begin("uni", redirect_uri="", next_url=""))
    assert isinstance(admitted, Admitted)
    assert (admitted.identity.key, admitted.place.name) == (("uni", "7"), "ann")
    assert admitted.verdict.decision.allowed
    assert is_empty(house)


@pytest.mark.row("B4")
async def test_the_name_of_the_provider_is_the_cores_to_say(house: House) -> None:
    admitted = await house.admit(provider="github", subject="7", username="ann")
    forged = await house.flow.admit("github", SignIn(identity=Identity(provider="uni", subject="7", username="ann")))
    assert admitted.identity.key == forged.identity.key == ("github", "7")
    assert forged.place.name == "github-ann"


# What can be an identity.


@pytest.mark.row("X13")
@pytest.mark.parametrize(
    "subject", [7, None, ["7"], "", "x" * 256, "a\0b", b"7", True, "\ud800"], ids=lambda value: ascii(value)[:12]
)
async def test_what_cannot_be_a_subject_is_refused(house: House, subject: object) -> None:
    with pytest.raises(ProviderError) as refused:
        await house.admit(subject=subject)  # type: ignore[arg-type]  # that is the point
    assert refused.value.code == "subject_invalid"
    assert is_empty(house)


@pytest.mark.row("X13")
async def test_the_longest_subject_is_taken_and_comes_back_whole(house: House) -> None:
    user = await house.sign_in("x" * 255)
    assert await house.sign_in("x" * 255) == user


@pytest.mark.row("V14")
@pytest.mark.parametrize(
    "username", [7, None, "", "x" * 256, "x" * 100_000, ["ann"]], ids=lambda value: ascii(value)[:9]
)
async def test_what_cannot_be_a_username_is_refused_before_any_work(house: House, username: object) -> None:
    with pytest.raises(ProviderError) as refused:
        await house.admit(username=username)  # type: ignore[arg-type]  # that is the point
    assert refused.value.code == "username_invalid"


@pytest.mark.row("V06")
@pytest.mark.parametrize("verified", ["true", 1, None, "false"])
async def test_verified_is_a_boolean(house: House, verified: object) -> None:
    with pytest.raises(ProviderError) as refused:
        await house.admit(email="ann@uni.test", email_verified=verified)
    assert refused.value.code == "email_invalid"


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    "nonsense",
    [
        {"decision": True},
        {"decision": Decision(allowed="no")},  # type: ignore[arg-type]  # that is the point
        {"decision": Decision(allowed=True, admin="no")},  # type: ignore[arg-type]  # that is the point
        {"decision": Decision(allowed=True, groups="admins")},  # type: ignore[arg-type]  # that is the point
        {"groups": "admins"},
        {"groups": frozenset({7})},
        {"credentials": None},
        {"credentials": (CANARY,)},
        {"state": "text"},
        {"claims": None},
    ],
    ids=lambda value: next(iter(value)),
)
async def test_nonsense_in_an_answer_is_the_providers_error(house: House, nonsense: dict[str, Any]) -> None:
    with pytest.raises(ProviderError):
        await house.admit(**nonsense)
    assert is_empty(house)


@pytest.mark.parametrize("identity", [None, "ann", {"subject": "7"}])
async def test_an_answer_about_nobody_is_the_providers_error(house: House, identity: Any) -> None:
    with pytest.raises(ProviderError):
        await house.flow.admit("uni", SignIn(identity=identity))


# Refusals.


class Gate:
    """A cross-cutting plugin that remembers whom it was asked about."""

    def __init__(self, shelf: Shelf, *, name: str | None = None, refuses: bool = False) -> None:
        self.asked: list[tuple[Identity, frozenset[str]]] = []
        self.heard: list[Event] = []
        gate = self

        @hookimpl
        async def hubauth_check_login(identity: Identity, granted_scopes: frozenset[str]) -> None:
            gate.asked.append((identity, granted_scopes))
            if refuses:
                raise LoginRefused("Closed.", code="closed")

        @hookimpl
        def hubauth_map_identity(identity: Identity) -> str | None:
            return name

        @hookimpl
        def hubauth_event(event: Event) -> None:
            gate.heard.append(event)

        shelf.add_plugin(
            "gate",
            hubauth_check_login=hubauth_check_login,
            hubauth_map_identity=hubauth_map_identity,
            hubauth_event=hubauth_event,
        )


async def test_plugins_are_asked_about_the_person_and_what_was_granted_but_get_no_token(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    gate = Gate(shelf)
    await House(shelf, database, trail).sign_in(credentials=(TOKENS, replace(TOKENS, scopes=frozenset({"user"}))))
    [(identity, scopes)] = gate.asked
    assert identity.key == ("uni", "7")
    assert scopes == {"repo", "user"}
    assert [event.kind for event in gate.heard] == ["login"]
    assert CANARY not in repr((gate.asked, gate.heard))


async def test_a_veto_leaves_nothing_behind(shelf: Shelf, database: Database, trail: Path) -> None:
    Gate(shelf, refuses=True)
    house = House(shelf, database, trail)
    assert await house.refusal() == "closed"
    assert is_empty(house)


class Step:
    """A cross-cutting plugin that wants a word before anybody goes on, and remembers the words that it heard."""

    def __init__(self, shelf: Shelf, name: str, word: str) -> None:
        self.heard: list[object] = []
        step = self

        @hookimpl
        async def hubauth_check_login(answer: Answered | None) -> Challenge | None:
            step.heard.append(answer)
            if answer is None:
                return Challenge(Form(text=f"{name}?"))
            if answer["word"] != [word]:
                raise LoginRefused("Wrong.", code="bad_word")
            return None

        shelf.add_plugin(name, hubauth_check_login=hubauth_check_login)


async def answer_form(house: House, transaction: Transaction, word: str = "") -> Any:
    request = Request(method="POST", form={"word": [word]})
    return await house.flow.finish(request, transaction)


async def test_one_more_step_for_each_plugin_that_wants_one(shelf: Shelf, database: Database, trail: Path) -> None:
    first, second = Step(shelf, "first", "one"), Step(shelf, "second", "two")
    house = House(shelf, database, trail)
    answering(house, said("7", "ann"))
    transaction = begin("uni", redirect_uri="https://hub.example/cb", next_url="")
    asked = await house.flow.finish(Request(), transaction)
    assert (asked, is_empty(house)) == (Form(text="first?"), True)
    answering(house, AssertionError("the source is asked once"))
    assert await answer_form(house, transaction, "one") == Form(text="second?")
    admitted = await answer_form(house, transaction, "two")
    assert isinstance(admitted, Admitted)
    assert admitted.identity.key == ("uni", "7")
    # Each heard its own answer alone, and was left in peace once it was satisfied.
    assert first.heard == [None, {"word": ["one"]}]
    assert second.heard == [None, None, {"word": ["two"]}]


async def test_a_link_is_asked_for_one_more_step_too_and_a_form_may_come_again(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    @hookimpl
    async def hubauth_check_login(answer: Answered | None) -> Challenge | None:
        right = answer is not None and answer["word"] == ["one"]
        return None if right else Challenge(Form(error="" if answer is None else "That was not it."))

    shelf.add_plugin("first", hubauth_check_login=hubauth_check_login)
    house = House(shelf, database, trail)
    answering(house, said("7", "ann"))
    transaction = begin("uni", redirect_uri="https://hub.example/cb", next_url="", purpose="link")
    assert await house.flow.finish(Request(), transaction) == Form()
    assert await answer_form(house, transaction, "two") == Form(error="That was not it.")
    connected = await answer_form(house, transaction, "one")
    assert isinstance(connected, SignIn)
    assert connected.identity.key == ("uni", "7")
    assert is_empty(house)


async def test_a_wrong_answer_ends_the_sign_in(shelf: Shelf, database: Database, trail: Path) -> None:
    Step(shelf, "first", "one")
    house = House(shelf, database, trail)
    answering(house, said("7", "ann"))
    transaction = begin("uni", redirect_uri="https://hub.example/cb", next_url="")
    await house.flow.finish(Request(), transaction)
    with pytest.raises(LoginRefused) as refused:
        await answer_form(house, transaction, "two")
    assert (refused.value.code, refused.value.subject) == ("bad_word", "7")
    begun_again = Form(text="from the source")
    answering(house, begun_again)
    assert await answer_form(house, transaction, "one") == begun_again
    assert is_empty(house)


@pytest.mark.row("V17")
@pytest.mark.parametrize(("code", "for_good"), [("closed", True), ("too_many_attempts", False), ("rule_failed", False)])
async def test_whom_a_plugin_turns_away_is_noted_where_that_is_for_good(
    shelf: Shelf, database: Database, trail: Path, code: str, for_good: bool
) -> None:
    await House(shelf, database, trail).sign_in("7", "ann")

    @hookimpl
    async def hubauth_check_login() -> None:
        raise LoginRefused("No.", code=code)

    shelf.entry_points.clear()
    shelf.add_plugin("gate", hubauth_check_login=hubauth_check_login)
    house = House(shelf, database, trail)
    assert await house.refusal("7", "ann") == code
    record = house.identities.find("uni", "7")
    assert record is not None
    assert (record.refused_at is not None) is for_good


@pytest.mark.row("V17")
async def test_a_rule_that_fails_says_nothing_for_good_about_a_person(house: House) -> None:
    await house.sign_in("7", "ann")

    def fails(*_: object) -> None:
        raise RuntimeError

    vars(house.registry.provider("uni"))["restrict"] = fails
    assert await house.refusal("7", "ann") == "rule_failed"
    record = house.identities.find("uni", "7")
    assert record is not None
    assert record.refused_at is None


@pytest.mark.row("V17")
async def test_a_wrong_answer_is_not_for_good(shelf: Shelf, database: Database, trail: Path) -> None:
    await House(shelf, database, trail).sign_in("7", "ann")
    shelf.entry_points.clear()
    Step(shelf, "first", "one")
    house = House(shelf, database, trail)
    answering(house, said("7", "ann"))
    transaction = begin("uni", redirect_uri="https://hub.example/cb", next_url="")
    await house.flow.finish(Request(), transaction)
    with pytest.raises(LoginRefused):
        await answer_form(house, transaction, "two")
    record = house.identities.find("uni", "7")
    assert record is not None
    assert record.refused_at is None


@pytest.mark.row("V17")
async def test_whom_the_source_itself_turns_away_is_noted_where_it_says_who(house: House) -> None:
    await house.sign_in("7", "ann")
    refusal = LoginRefused("You have left.", code="left")
    for subject, noted in (("", False), ("7", True)):
        refusal.subject = subject
        answering(house, refusal)
        with pytest.raises(LoginRefused):
            await house.flow.finish(Request(), begin("uni", redirect_uri="", next_url=""))
        record = house.identities.find("uni", "7")
        assert record is not None
        assert (record.refused_at is not None) is noted


async def test_a_step_that_cannot_be_shown_refuses(shelf: Shelf, database: Database, trail: Path) -> None:
    """A wrapped authenticator's own page ends in the hub's login; there is nowhere to show a form."""
    Step(shelf, "first", "one")
    assert await House(shelf, database, trail).refusal() == "step_impossible"


async def test_a_name_that_a_plugin_chose_is_prefixed(shelf: Shelf, database: Database, trail: Path) -> None:
    Gate(shelf, name="Chosen")
    house = House(shelf, database, trail)
    assert (await house.admit(provider="github")).place.name == "github-chosen"


async def test_a_refusal_says_whom_it_is_about_for_the_audit_trail_alone(house: House) -> None:
    house.hub_users.add("ann")
    with pytest.raises(LoginRefused) as refused:
        await house.admit("7", "ann")
    assert (refused.value.subject, refused.value.username) == ("7", "ann")
    house.flow.refused("uni", refused.value, address="192.0.2.7")
    assert house.events() == [("login_refused", "name_taken")]
    assert '"subject": "7"' in house.lines()[0]


async def test_a_refusal_writes_nothing_and_keeps_no_name(house: House) -> None:
    house.hub_users.add("ann")
    assert await house.refusal("7", "ann") == "name_taken"
    assert await house.refusal("7", "github-ann") == "name_reserved_prefix"
    assert is_empty(house)
    assert (await house.sign_in("8", "bob")).name == "bob"


async def test_whom_the_hub_turns_away_leaves_nothing_and_the_name_is_free_again(house: House) -> None:
    admitted = await house.admit("7", "ann")
    refusal = house.flow.turned_away(admitted)
    assert (refusal.code, refusal.subject, refusal.username) == ("not_allowed", "7", "ann")
    assert is_empty(house)
    assert (await house.sign_in("8", "ann")).name == "ann"


async def test_a_source_may_know_why_no_rule_lets_somebody_in(house: House) -> None:
    told = LoginRefused("Your organization says nothing to this hub.", code="organization_blocks_app")
    vars(house.registry.provider("uni"))["not_admitted"] = lambda identity: told if identity.subject == "7" else None
    refusals = [house.flow.turned_away(await house.admit(subject, f"u{subject}")) for subject in ("7", "8")]
    assert [(each.code, each.subject) for each in refusals] == [("organization_blocks_app", "7"), ("not_allowed", "8")]


# Blocks follow their subject.


@pytest.mark.row("V05", "V36")
async def test_a_blocked_name_sticks_to_its_subject_through_renames(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    house = House(shelf, database, trail, uni={"allow_all": True, "blocked_users": {"mallory"}})
    assert await house.refusal("66", "Mallory") == "blocked"
    assert await house.refusal("66", "harmless") == "blocked"
    assert (await house.sign_in("7", "harmless")).name == "harmless"
    assert house.rows()[identities.name] == 1


@pytest.mark.row("V05")
async def test_who_signed_in_under_a_name_that_is_blocked_later_stays_out_after_a_rename(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    await House(shelf, database, trail).sign_in("66", "mallory")
    shelf.entry_points.clear()
    house = House(shelf, database, trail, uni={"allow_all": True, "blocked_users": {"mallory"}})
    assert await house.refusal("66", "harmless") == "blocked"


# Reserve and bind.


async def test_a_bound_sign_in_is_recorded_whole(house: House) -> None:
    user = await house.sign_in("7", "Ann", credentials=(TOKENS,), state={"kept": "x"})
    record = house.identities.find("uni", "7")
    assert record is not None
    assert (record.username, record.hub_name, record.home) == ("Ann", "ann", True)
    assert record.hub_user == (user.id, user.created)
    assert house.identities.pinned_subject("uni", "ann") == "7"
    opened = await house.flow.vault.credential(record)
    assert opened.content == TOKENS
    assert (await house.flow.vault.state(record)).content == {"kept": "x"}
    assert house.events() == [("login", "")]


@pytest.mark.row("B3", "V14")
async def test_no_token_reaches_the_trail_or_a_listener(shelf: Shelf, database: Database, trail: Path) -> None:
    gate = Gate(shelf)
    house = House(shelf, database, trail)
    await house.sign_in("7", "ann", credentials=(TOKENS,), claims={"secret": CANARY})
    assert CANARY not in repr((house.lines(), gate.heard))


async def test_who_comes_back_reaches_the_same_hub_user(house: House) -> None:
    first = await house.sign_in("7", "ann")
    again = await house.admit("7", "ann")
    assert again.place.returning
    assert await house.sign_in("7", "ann") == first
    assert house.identities.count() == 1


@pytest.mark.row("V36")
async def test_who_is_renamed_keeps_the_hub_user_and_a_stranger_with_the_old_name_gets_none(house: House) -> None:
    ann = await house.sign_in("7", "ann", provider="github")
    assert await house.sign_in("7", "anna", provider="github") == ann
    assert await house.refusal("8", "ann", provider="github") == "name_taken"
    assert await house.sign_in("7", "anna", provider="github") == ann


@pytest.mark.row("V39", "V36")
async def test_the_same_name_and_subject_elsewhere_is_somebody_else(house: House) -> None:
    assert (await house.sign_in("7", "ann")).id != (await house.sign_in("7", "ann", provider="github")).id


@pytest.mark.row("F19")
async def test_of_two_first_sign_ins_to_one_name_the_second_is_refused_while_the_first_is_under_way(
    house: House,
) -> None:
    first = await house.admit("7", "ann")
    assert await house.refusal("8", "ann") == "name_taken"
    assert await house.refusal("8", "ANN") == "name_taken"
    await house.flow.bind(first, house.accept(first))
    assert await house.refusal("8", "ann") == "name_taken"
    assert house.identities.count() == 1


@pytest.mark.row("B1", "F12")
async def test_one_person_in_two_tabs_at_once_ends_up_as_one_hub_user_in_both(house: House) -> None:
    renewed = replace(TOKENS, access_token=Secret("newer"))
    tabs = [await house.admit("7", "ann", credentials=(each,)) for each in (TOKENS, renewed)]
    [user, same] = [house.accept(admitted) for admitted in tabs]
    assert user == same
    await asyncio.gather(*(house.flow.bind(admitted, user) for admitted in tabs))
    record = house.identities.find("uni", "7")
    assert record is not None
    assert (await house.flow.vault.credential(record)).content in (TOKENS, renewed)
    assert await house.sign_in("7", "ann") == user
    assert (house.rows()[identities.name], house.rows()[vault.name]) == (1, 1)


@pytest.mark.row("V21")
async def test_who_was_recorded_for_another_hub_user_meanwhile_gets_an_error_and_not_that_user(house: House) -> None:
    admitted = await house.admit("7", "ann")
    user, other = house.accept(admitted), house.hub_users.add("other")
    await house.identities.bind(admitted.identity, other, record_id=new_id(), pin="ann")
    with pytest.raises(StoreError) as refused:
        await house.flow.bind(admitted, user)
    assert refused.value.code == "identity_conflict"
    record = house.identities.find("uni", "7")
    assert record is not None
    assert record.hub_user == (other.id, other.created)


@pytest.mark.row("F15")
@pytest.mark.parametrize("fault", ["vault", "store"])
async def test_a_sign_in_that_cannot_be_recorded_leaves_no_row_and_the_next_one_goes_on(
    house: House, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*args: object, **options: object) -> None:
        raise StoreError("Full.")

    admitted = await house.admit("7", "ann", credentials=(TOKENS,))
    user = house.accept(admitted)
    with monkeypatch.context() as broken:
        if fault == "vault":
            broken.setattr(house.keeper, "fails", True)
        else:
            broken.setattr(house.identities, "bind", fail)
        with pytest.raises(StoreError):
            await house.flow.bind(admitted, user)
    assert is_empty(house)
    assert house.events() == []
    assert await house.refusal("8", "ann") == "name_taken"
    assert await house.sign_in("7", "ann") == user


@pytest.mark.row("F15")
async def test_a_sign_in_that_the_trail_cannot_take_does_not_count_until_it_can(house: House) -> None:
    house.trail.mkdir()
    admitted = await house.admit("7", "ann")
    user = house.accept(admitted)
    with pytest.raises(StoreError) as refused:
        await house.flow.bind(admitted, user)
    assert refused.value.code == "audit_failed"
    house.trail.rmdir()
    assert await house.sign_in("7", "ann") == user
    assert house.events() == [("login", "")]


@pytest.mark.row("F15")
async def test_a_hub_user_whose_sign_in_broke_off_before_it_was_recorded_is_still_that_persons(house: House) -> None:
    admitted = await house.admit("7", "ann")
    user = house.accept(admitted)
    house.flow.accepted(admitted, user)
    assert await house.refusal("8", "ann") == "name_taken"
    assert await house.sign_in("7", "ann") == user


async def test_a_hub_that_signs_in_somebody_else_than_it_was_told_is_not_followed(house: House) -> None:
    admitted = await house.admit("7", "ann")
    boss = house.hub_users.add("boss", admin=True)
    with pytest.raises(StoreError) as refused:
        await house.flow.bind(admitted, boss)
    assert refused.value.code == "name_changed"
    assert is_empty(house)
    assert (await house.sign_in("8", "ann")).name == "ann"


@pytest.mark.row("V38")
async def test_a_lookalike_who_comes_first_keeps_nobody_out(shelf: Shelf, database: Database, tmp_path: Path) -> None:
    house = House(shelf, database, tmp_path / "trail", uni={"allow_all": True, "admin_users": {"boss"}})
    await house.sign_in("666", "boß")
    source = house.registry.provider("uni")
    for subject, username, admin in [("666", "boß", False), ("7", "boss", True), ("666", "boss", True)]:
        person = Identity(provider="uni", subject=subject, username=username)
        assert house.access.decide(source, person).decision.admin is admin
    await house.identities.pin("uni", "boss", "7")
    renamed = Identity(provider="uni", subject="666", username="boss")
    assert house.access.decide(source, renamed).decision.admin is False


@pytest.mark.row("F20", "V39")
async def test_a_hub_user_who_got_the_name_meanwhile_is_not_taken_for_the_one_that_was_meant(house: House) -> None:
    ann = await house.sign_in("7", "ann")
    admitted = await house.admit("7", "ann")
    house.hub_users.rename(ann, "anna")
    with pytest.raises(StoreError) as refused:
        await house.flow.bind(admitted, house.hub_users.add("ann"))
    assert refused.value.code == "name_changed"
    assert (await house.sign_in("7", "ann")).name == "anna"


@pytest.mark.row("V21", "V36")
async def test_a_grant_by_name_holds_only_if_the_name_is_still_free_when_it_counts(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    rules = {"allowed_users": {"ann"}, "username_map": {"ann": "one"}}
    house = House(shelf, database, trail, github=rules)
    first = await house.admit("7", "ann", provider="github")
    await house.identities.pin("github", "ann", "8")
    with pytest.raises(LoginRefused) as refused:
        await house.flow.bind(first, house.accept(first))
    assert refused.value.code == "name_pinned"
    assert house.identities.count() == 0


@pytest.mark.row("V36")
async def test_a_grant_by_subject_does_not_depend_on_whose_the_name_was(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    house = House(shelf, database, trail, uni={"allowed_users": {"id:7"}, "username_map": {"ann": "one"}})
    await house.identities.pin("uni", "ann", "8")
    assert (await house.sign_in("7", "ann")).name == "one"


async def test_a_recreated_hub_user_inherits_nothing(house: House) -> None:
    ann = await house.sign_in("7", "ann", credentials=(TOKENS,))
    await house.identities.forget((ann.id, ann.created))
    house.hub_users.delete(ann)
    assert house.rows()[vault.name] == 0
    again = await house.sign_in("7", "ann")
    assert again.created != ann.created


@pytest.mark.row("V15")
async def test_whose_hub_user_is_made_again_gets_the_credential_of_that_sign_in(house: House) -> None:
    """What was granted to the former hub user is gone, so that nothing larger is kept in place of the new one."""
    ann = await house.sign_in("7", "ann", credentials=(TOKENS,))
    house.hub_users.delete(ann)  # and the authenticator is not told
    less = replace(TOKENS, access_token=Secret("less"), scopes=frozenset())
    await house.sign_in("7", "ann", credentials=(less,))
    record = house.identities.find("uni", "7")
    assert record is not None
    assert (await house.flow.vault.credential(record)).content == less
