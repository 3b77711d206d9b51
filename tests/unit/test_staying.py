"""What becomes of a hub user at a refresh: the home identity's provider decides, and only a clear no ends a session."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper

from harness.authority import Clock
from harness.known_users import KnownUsers
from harness.shelf import Shelf
from hubauth_core import (
    Credential,
    CredentialError,
    Decision,
    Fresh,
    HubCall,
    Identity,
    LoginRefused,
    Provider,
    ProviderError,
    ProviderUnavailable,
    ReauthRequired,
    RefreshedCredential,
    Refused,
    Rotated,
    Secret,
    StoreError,
    Unavailable,
    Unchanged,
    Updated,
)
from hubauth_core.access import Access, Verdict
from hubauth_core.asking import Asking
from hubauth_core.database import Database
from hubauth_core.events import Audit
from hubauth_core.facts import recorded
from hubauth_core.identities import Identities, new_id
from hubauth_core.kept_state import KeptState
from hubauth_core.mapping import Record
from hubauth_core.recheck import Recheck
from hubauth_core.refresh import Refresher
from hubauth_core.registry import Registry
from hubauth_core.staying import Standing, Staying
from hubauth_core.vault import Vault

PERSON = Identity(subject="7", username="ann")
PERSON_AT_UNI = replace(PERSON, provider="uni")
CREATED = datetime(2026, 5, 1, tzinfo=UTC)


def stays(answer: Verdict | Standing) -> bool:
    """Whether the person goes on by a rule of the provider."""
    return isinstance(answer, Verdict) and answer.decision.allowed


class Source(Provider):
    """Answers a refresh as the test says."""

    answer: Any = Unchanged()

    async def refresh_identity(self, *arguments: object) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class RulingSource(Source):
    """Decides itself who may enter."""

    brings_rules = True


class House:
    """One hub user, `ann`, who came by `uni`."""

    def __init__(self, shelf: Shelf, database: Database) -> None:
        self.clock = Clock()
        shelf.add_type("source", Source)
        shelf.add_type("ruling", RulingSource)
        self.shelf, self.identities, self.vault = (
            shelf,
            Identities(database, self.clock),
            Vault(database, None, self.clock),
        )
        self.kept = KeptState(identities=self.identities, vault=self.vault, log=logging.getLogger("hubauth.test"))
        hub_user = KnownUsers().add("ann", created=CREATED.timestamp())
        self.hub_user, self.user = hub_user, SimpleNamespace(id=hub_user.id, created=CREATED, name="ann", admin=False)

    async def come(self, provider: str = "uni", subject: str = "7") -> None:
        identity = Identity(provider=provider, subject=subject, username="ann")
        await self.identities.bind(identity, self.hub_user, record_id=new_id(), pin="ann")

    async def refresh(self, answer: object = None, *, broken: bool = False, **rules: object) -> Verdict | Standing:
        options: dict[str, object] = {"type": "source", **(rules or {"allow_all": True})}
        if broken:
            options["no_such_option"] = 1
        registry = self.shelf.registry({"uni": options}, disable_broken=True)
        for provider in registry.providers.values():
            vars(provider)["answer"] = Unchanged() if answer is None else answer
        return await self.staying(registry).refresh(self.user)

    def staying(self, registry: Registry) -> Staying:
        log = logging.getLogger("hubauth.test")
        audit = Audit(registry.emit, log)
        return Staying(
            registry=registry,
            access=Access(self.identities, several=False),
            identities=self.identities,
            vault=self.vault,
            asking=Asking(
                registry=registry,
                vault=self.vault,
                refresher=Refresher(registry=registry, vault=self.vault, audit=audit, log=log, clock=self.clock),
                kept=self.kept,
                recheck=Recheck(clock=self.clock, ticks=self.clock),
                log=log,
            ),
            log=log,
            ticks=self.clock,
        )


@pytest.fixture
async def house(shelf: Shelf, database: Database) -> House:
    house = House(shelf, database)
    await house.come()
    return house


@pytest.mark.parametrize("answer", [Refused("left"), ReauthRequired(), LoginRefused("You have left.")], ids=repr)
async def test_a_clear_no_ends_the_session(house: House, answer: object) -> None:
    assert await house.refresh(answer) is (Standing.AGAIN if isinstance(answer, ReauthRequired) else Standing.OUT)


@pytest.mark.row("V17")
@pytest.mark.parametrize("answer", [Refused("claim_failed"), LoginRefused("No.", code="rule_failed")], ids=repr)
async def test_a_rule_that_fails_lets_nobody_go_on_and_is_noted_of_nobody(house: House, answer: object) -> None:
    assert await house.refresh(answer) is Standing.AGAIN
    assert stays(await house.refresh())  # it works again, and the API tokens are still there


@pytest.mark.row("F01", "F02")
@pytest.mark.parametrize(
    "answer",
    [Unavailable(), ProviderUnavailable("Later."), ProviderError("Odd."), CredentialError("Gone."), RuntimeError("?")],
    ids=repr,
)
async def test_a_source_that_does_not_answer_ends_nothing_and_stops_no_rule(house: House, answer: object) -> None:
    assert stays(await house.refresh(answer))
    assert await house.refresh(answer, allow_all=True, blocked_users={"ann"}) is Standing.OUT


@pytest.mark.row("V17")
async def test_a_refusal_for_good_is_noted_until_the_source_lets_them_in_again(house: House) -> None:
    def noted() -> bool:
        record = house.identities.find("uni", "7")
        assert record is not None
        return record.refused_at is not None

    for answer in (Unavailable(), ReauthRequired(), Unchanged()):
        await house.refresh(answer)
        assert not noted(), answer
    assert await house.refresh(Refused("left")) is Standing.OUT
    assert noted()
    for answer in (Unavailable(), Unchanged(), ProviderError("Odd.")):
        assert await house.refresh(answer) is Standing.OUT, answer
    assert await house.refresh(Updated(PERSON), allow_all=True, blocked_users={"id:7"}) is Standing.OUT
    assert noted()
    assert isinstance(await house.refresh(Updated(PERSON)), Verdict)
    assert not noted()


@pytest.mark.row("V17")
async def test_who_is_out_by_a_rule_of_the_hub_is_noted_as_out_until_the_next_sign_in(house: House) -> None:
    staying = house.staying(house.shelf.registry({"uni": {"type": "source", "allow_all": True}}))
    await staying.left(house.user)
    record = house.identities.find("uni", "7")
    assert record is not None
    assert record.refused_at is not None
    assert await staying.refresh(house.user) is Standing.OUT
    await house.identities.bind(PERSON_AT_UNI, house.hub_user, record_id=record.id, pin="ann")
    assert stays(await staying.refresh(house.user))
    await staying.left(SimpleNamespace(id=99, created=CREATED, name="nobody"))  # without an identity


@pytest.mark.row("V05")
async def test_rules_are_asked_again_though_the_source_sees_no_change(house: House) -> None:
    assert stays(await house.refresh())
    assert await house.refresh(blocked_users={"id:7"}, allow_all=True) is Standing.OUT
    verdict = await house.refresh(allowed_users={"bob"})
    assert isinstance(verdict, Verdict)
    assert not verdict.decision.allowed


@pytest.mark.row("V05", "V17")
async def test_whom_a_sources_own_rules_let_in_stays_until_it_says_otherwise(house: House) -> None:
    for answer in (Unchanged(), Unavailable(), Updated(PERSON, decision=Decision(allowed=True))):
        verdict = await house.refresh(answer, type="ruling", allowed_users={"bob"})
        assert stays(verdict), answer
    verdict = await house.refresh(Updated(PERSON), type="ruling", allowed_users={"bob"})
    assert isinstance(verdict, Verdict)
    assert not verdict.decision.allowed


@pytest.mark.row("V36")
async def test_rules_by_name_keep_to_the_first_who_used_it_whatever_provider_the_answer_claims(house: House) -> None:
    await house.identities.pin("uni", "boss", "8")
    for claimed in ("", "elsewhere", "uni"):
        renamed = Updated(Identity(provider=claimed, subject="7", username="boss"))
        verdict = await house.refresh(renamed, admin_users={"boss"})
        assert isinstance(verdict, Verdict)
        assert (verdict.decision.allowed, verdict.decision.admin) == (False, False)


async def test_requests_that_come_at_once_ask_the_source_once(house: House) -> None:
    """A refresh token may be good for one use only: who uses it twice loses the grant."""
    asked = []

    class Rotating(Source):
        async def refresh_identity(self, *arguments: object) -> Any:
            asked.append(1)
            await asyncio.sleep(0)
            return Refused("used twice") if len(asked) > 1 else Unchanged()

    house.shelf.add_type("rotating", Rotating)
    staying = house.staying(house.shelf.registry({"uni": {"type": "rotating", "allow_all": True}}))
    answers = await asyncio.gather(*(staying.refresh(house.user) for _ in range(5)))
    assert all(map(stays, answers))
    assert await staying.refresh(house.user) is Standing.OUT, "a later one asks again"


@pytest.mark.row("R20")
async def test_an_answer_about_somebody_else_ends_the_session(house: House) -> None:
    assert await house.refresh(Updated(Identity(subject="8", username="ann"))) is Standing.AGAIN


async def test_what_the_source_says_now_counts(house: House) -> None:
    updated = Updated(PERSON, decision=Decision(allowed=True, admin=True, groups=frozenset({"staff"})))
    verdict = await house.refresh(updated)
    assert isinstance(verdict, Verdict)
    assert (verdict.decision.admin, verdict.decision.groups) == (True, {"staff"})


async def test_a_provider_out_of_service_ends_nothing_and_one_that_is_gone_does(house: House) -> None:
    assert await house.refresh(broken=True) is Standing.UNKNOWN
    house.shelf.entry_points.clear()
    house.shelf.add_type("other", Source)
    registry = house.shelf.registry({"other": {}})
    assert await house.staying(registry).refresh(house.user) is Standing.AGAIN


async def test_a_hub_user_without_identity_is_the_hubs_own_affair(shelf: Shelf, database: Database) -> None:
    assert await House(shelf, database).refresh() is Standing.UNKNOWN


@pytest.mark.row("R04", "F13")
async def test_what_a_source_keeps_is_not_lost_while_it_cannot_be_stored(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapped authenticator keeps its rotating refresh token there."""
    monkeypatch.setattr(house.vault._sealing, "_own_keeper", CryptKeeper(keys=[b"k" * 32]))
    given = []

    class Keeping(Source):
        async def refresh_identity(self, identity: Identity, credential: object, hub: HubCall) -> Any:
            given.append(hub.state)
            return Updated(PERSON, state={"token": len(given)})

    house.shelf.add_type("keeping", Keeping)
    staying = house.staying(house.shelf.registry({"uni": {"type": "keeping", "allow_all": True}}))
    record = house.identities.find("uni", "7")
    assert record is not None

    async def broken(*arguments: object) -> None:
        raise StoreError("Full.")

    with monkeypatch.context() as full:
        full.setattr(house.vault, "store", broken)
        for _ in range(2):
            assert stays(await staying.refresh(house.user))
    assert given == [None, {"token": 1}]
    assert (await house.vault.state(record)).content is None
    assert await house.kept.of(record) == {"token": 2}
    assert (await house.vault.state(record)).content == {"token": 2}


@pytest.mark.row("R04")
async def test_what_a_sign_in_brought_is_not_overwritten_by_what_could_not_be_stored_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.vault._sealing, "_own_keeper", CryptKeeper(keys=[b"k" * 32]))
    house.staying(house.shelf.registry({"uni": {"type": "source"}}))
    record, person = house.identities.find("uni", "7"), Identity(provider="uni", subject="7", username="ann")
    assert record is not None

    async def broken(*arguments: object) -> None:
        raise StoreError("Full.")

    with monkeypatch.context() as full:
        full.setattr(house.vault, "store", broken)
        await house.kept.keep(person, {"token": "old"})
    sealed = await house.vault.seal(record.id, person, state={"token": "new"})
    await house.vault.store(sealed, time.time() + 1)
    assert await house.kept.of(record) == {"token": "new"}


class Asked(Source):
    """Only a person's own token can ask it; `answers` are its next ones, `asked` the tokens that it was shown."""

    needs_credential = True

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        self.answers: list[object] = []
        self.asked: list[str] = []
        self.renewals: list[RefreshedCredential] = []

    async def refresh_identity(self, identity: Identity, credential: Credential | None, hub: HubCall) -> Any:
        self.asked.append("" if credential is None else credential.access_token.reveal())
        answer = self.answers.pop(0) if self.answers else Updated(identity)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        return self.renewals.pop(0) if self.renewals else Fresh()


class WithToken:
    """`ann` with a stored token, at a source that is asked with it."""

    def __init__(self, house: House, **rules: object) -> None:
        house.shelf.add_type("asked", Asked)
        self.house, self.clock = house, house.clock
        registry = house.shelf.registry({"uni": {"type": "asked", "membership_max_age": 900.0, **rules}})
        self.source: Any = registry.provider("uni")
        self.staying = house.staying(registry)

    @property
    def record(self) -> Record:
        record = self.house.identities.find("uni", "7")
        assert record is not None
        return record

    async def sign_in(
        self, *, refresh: bool = True, life: float | None = None, groups: frozenset[str] | None = None
    ) -> None:
        person = Identity(provider="uni", subject="7", username="ann", groups=groups)
        vault, now = self.house.vault, self.clock()
        token = Credential(
            access_token=Secret("first"),
            refresh_token=Secret("r") if refresh else None,
            expires_at=None if life is None else now + life,
        )
        sealed = await vault.seal(self.record.id, person, [token], anew=True)
        facts = recorded(person, frozenset(), self.source.rule_claims)
        await self.house.identities.bind(
            person, self.house.hub_user, record_id=self.record.id, pin="ann", sealed=sealed, facts=facts
        )

    async def refresh(self, *, later: float = 1000) -> Verdict | Standing:
        self.clock.forward(later)
        return await self.staying.refresh(self.house.user)


def rotated(name: str) -> Rotated:
    return Rotated(Credential(access_token=Secret(name), refresh_token=Secret("r2")))


@pytest.fixture
def keys(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.vault._sealing, "_own_keeper", CryptKeeper(keys=[b"k" * 32]))


async def test_what_a_source_says_counts_for_a_while_and_is_recorded(house: House, keys: None) -> None:
    ann = WithToken(house, allowed_groups={"staff"})
    await ann.sign_in(groups=frozenset({"staff", "chess"}))
    assert stays(await ann.refresh(later=10))
    assert ann.source.asked == [], "nobody is asked again so soon"
    ann.source.answers = [Updated(Identity(subject="7", username="anna", groups=frozenset({"staff"})))]
    verdict = await ann.refresh()
    assert isinstance(verdict, Verdict)
    assert (verdict.decision.allowed, verdict.decision.groups) == (True, {"staff"})
    assert (ann.record.username, ann.record.identity.groups) == ("anna", {"staff"})
    assert ann.record.checked_at == ann.clock()
    ann.source.answers = [Updated(Identity(subject="7", username="anna", groups=frozenset()))]
    verdict = await ann.refresh()
    assert isinstance(verdict, Verdict)
    assert (verdict.decision.allowed, verdict.decision.groups, verdict.certain) == (False, frozenset(), True)
    verdict = await ann.refresh(later=1)
    assert isinstance(verdict, Verdict)
    assert not verdict.decision.allowed, "by what is recorded"
    assert len(ann.source.asked) == 2


async def test_a_check_is_written_once_and_one_that_finds_nothing_new_each_time_is_not(
    house: House, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[object] = []
    write = house.identities._database.write

    async def counted(work: Any) -> Any:
        writes.append(work)
        return await write(work)

    ann = WithToken(house, allow_all=True)
    await ann.sign_in()
    monkeypatch.setattr(house.identities._database, "write", counted)
    await ann.refresh()
    assert len(writes) == 1
    ann.source.membership_max_age = 0
    for _ in range(3):
        await ann.refresh()
    assert len(writes) == 1
    assert len(ann.source.asked) == 4


@pytest.mark.row("F02", "F11")
async def test_a_token_that_should_be_good_is_renewed_once_before_somebody_must_sign_in(
    house: House, keys: None
) -> None:
    ann = WithToken(house, allow_all=True)
    await ann.sign_in()
    ann.source.answers, ann.source.renewals = [ReauthRequired("token_refused")], [rotated("second")]
    assert stays(await ann.refresh())
    assert ann.source.asked == ["first", "second"]
    ann.source.answers = [ReauthRequired("token_refused"), ReauthRequired("token_refused")]
    ann.source.renewals = [rotated("third")]
    assert stays(await ann.refresh()), "the grant was good a moment ago"
    assert ann.source.asked == ["first", "second", "second", "third"]
    ann.source.answers, ann.source.renewals = [ReauthRequired("token_refused")], [ReauthRequired("refused")]
    assert await ann.refresh() is Standing.AGAIN
    assert await ann.refresh() is Standing.AGAIN
    assert len(ann.source.asked) == 5, "the grant is over, and nobody asks with it"
    await ann.sign_in()
    ann.staying.arrived(house.user)
    assert stays(await ann.refresh())


@pytest.mark.row("R12", "F11")
async def test_a_token_that_runs_out_is_renewed_though_nobody_is_asked(house: House, keys: None) -> None:
    ann = WithToken(house, allow_all=True)
    await ann.sign_in(life=100)
    ann.source.renewals = [rotated("second")]
    assert stays(await ann.refresh(later=80))
    opened = await house.vault.credential(ann.record)
    assert opened.content is not None
    assert opened.content.access_token == Secret("second")
    await ann.sign_in(life=100)
    ann.source.renewals = [ReauthRequired("refused")]
    assert await ann.refresh(later=80) is Standing.AGAIN, "the grant is over, and that is known now"
    ann.source.needs_credential = False
    assert await ann.refresh() is Standing.AGAIN
    assert ann.source.asked == []


@pytest.mark.row("F11")
@pytest.mark.parametrize("said", [Unavailable(), ReauthRequired("refused")], ids=["silent", "grant-over"])
async def test_a_token_that_is_refused_while_its_renewal_is_not_to_be_had_says_nothing(
    house: House, keys: None, said: RefreshedCredential
) -> None:
    ann = WithToken(house, allow_all=True)
    await ann.sign_in()
    ann.source.answers, ann.source.renewals = [ReauthRequired("token_refused")], [said]
    answer = await ann.refresh()
    assert stays(answer) if isinstance(said, Unavailable) else answer is Standing.AGAIN


@pytest.mark.row("V17")
async def test_who_spoils_what_a_source_says_of_them_signs_in_again_after_a_day(house: House, keys: None) -> None:
    ann = WithToken(house, allow_all=True)
    await ann.sign_in()
    spoilt = ProviderError("What is this?", code="username_invalid")
    ann.source.answers = [spoilt] * 3
    assert stays(await ann.refresh())
    assert stays(await ann.refresh(later=23 * 3600))
    assert await ann.refresh(later=2 * 3600) is Standing.AGAIN
    ann.source.answers = [Unavailable()]
    assert stays(await ann.refresh()), "a silent source never sends anybody away"


async def test_a_credential_that_cannot_tell_is_renewed_and_else_says_nothing(house: House, keys: None) -> None:
    """What stands in the ID token alone is as old as that."""
    ann = WithToken(house, allowed_groups={"staff"})
    await ann.sign_in(groups=frozenset({"staff"}))
    old = CredentialError("Too old.", code="id_token_old")
    left = Updated(Identity(subject="7", username="ann", groups=frozenset()))
    ann.source.answers, ann.source.renewals = [old, left], [rotated("second")]
    assert not stays(await ann.refresh())
    assert ann.source.asked == ["first", "second"]
    await ann.sign_in(groups=frozenset({"staff"}))
    ann.source.answers = [old, old]
    assert stays(await ann.refresh())


@pytest.mark.row("F01", "F02")
async def test_a_silent_source_is_left_alone_and_its_people_stay(house: House, keys: None) -> None:
    ann = WithToken(house, allowed_groups={"staff"})
    await ann.sign_in(groups=frozenset({"staff"}))
    ann.source.answers = [Unavailable(120)]
    assert stays(await ann.refresh())
    assert stays(await ann.refresh(later=100))
    assert len(ann.source.asked) == 1
    assert stays(await ann.refresh(later=30))
    assert len(ann.source.asked) == 2


async def test_who_has_no_token_is_judged_by_what_is_recorded(house: House) -> None:
    ann = WithToken(house, allowed_groups={"staff"})
    await ann.sign_in(groups=frozenset({"staff"}))
    assert stays(await ann.refresh())
    ann.source.blocked_users = {"ann"}
    assert await ann.refresh() is Standing.OUT
    assert ann.source.asked == []


@pytest.mark.row("V05")
async def test_nobody_is_thrown_out_for_what_was_never_asked(house: House, keys: None) -> None:
    """New rules, and a source that is silent: the person signs in again, and keeps what is open."""
    ann = WithToken(house, allowed_groups={"staff"})
    await ann.sign_in()
    ann.source.answers = [Unavailable()] * 2
    verdict = await ann.refresh()
    assert isinstance(verdict, Verdict)
    assert (verdict.decision.allowed, verdict.certain) == (False, False)
    ann.source.required_groups = {"staff"}
    assert await ann.refresh(later=10) is Standing.AGAIN


@pytest.mark.row("V37")
async def test_rules_that_need_no_source_hold_at_each_refresh(house: House, keys: None) -> None:
    ann = WithToken(house, allow_all=True)
    await ann.sign_in()
    ann.source.required_email_domains = ["uni.example"]
    assert await ann.refresh(later=1) is Standing.OUT
    assert ann.source.asked == []


async def test_sign_in_again_stands_though_the_source_falls_silent(house: House) -> None:
    """Else many calls at once would use up the turns, and pass by what is recorded."""
    registry = house.shelf.registry({"uni": {"type": "source", "allow_all": True}})
    source = vars(registry.provider("uni"))
    staying = house.staying(registry)
    for answer in (ReauthRequired(), Unavailable(), Unchanged()):
        source["answer"] = answer
        assert await staying.refresh(house.user) is Standing.AGAIN
    house.clock.forward(100)
    source["answer"] = Unavailable()
    assert await staying.refresh(house.user) is Standing.AGAIN
    staying.arrived(house.user)
    assert stays(await staying.refresh(house.user))


@pytest.mark.row("F13")
async def test_a_store_that_is_full_changes_no_answer(
    house: House, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = WithToken(house, allow_all=True)
    await ann.sign_in()

    async def broken(*arguments: object, **more: object) -> None:
        raise StoreError("Full.")

    monkeypatch.setattr(house.identities, "checked", broken)
    assert stays(await ann.refresh())
    ann.source.answers = [Refused("left")]
    assert await ann.refresh() is Standing.OUT


@pytest.mark.row("V36")
async def test_a_name_that_lets_somebody_in_is_theirs_from_then_on(house: House, keys: None) -> None:
    ann = WithToken(house, allowed_users={"boss"})
    await ann.sign_in()
    ann.source.answers = [Updated(Identity(subject="7", username="boss"))]
    assert stays(await ann.refresh())
    assert house.identities.pinned_subject("uni", "boss") == "7"


@pytest.mark.row("V36")
async def test_a_blocked_name_follows_who_takes_it_at_the_source(house: House, keys: None) -> None:
    ann = WithToken(house, allow_all=True, blocked_users={"mallory"})
    await ann.sign_in()
    ann.source.answers = [Updated(Identity(subject="7", username="mallory"))]
    assert await ann.refresh() is Standing.OUT
    ann.source.answers = [Updated(Identity(subject="7", username="innocent"))]
    assert await ann.refresh() is Standing.OUT
