"""Whatever happens in whatever order, nobody reaches somebody else's hub user (decisions 2 and 3 of the architecture).

The machine signs people in at three providers, renames them there and in the hub, connects and disconnects their
accounts, changes which one decides, deletes and recreates hub users with reused ids, restarts, lets two sign-ins
overlap, and lets the database fail while one is recorded. Its own book says who may be whom; the store is never asked.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from harness.known_users import KnownUsers
from harness.people import House, identity
from hubauth_core import HubUser, LoginRefused, StoreError
from hubauth_core.database import Database, open_database
from hubauth_core.errors import LinkRefused
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import HubKey, Place, hub_key
from hubauth_core.names import name_key

MEMORY = Path("/dev/shm")
"""Where there is one: thousands of small transactions need not reach a disk."""

PREFIXES = {"uni": "", "github": "github-", "forge": "forge-"}
LISTED = ["boss", "github-bob"]
"""Written hub-wide; each leads to one provider."""
ADOPT = {"github": {"adopt": ["github-ann"]}}

Person = tuple[str, str]
PROVIDERS = st.sampled_from(sorted(PREFIXES))
PEOPLE = st.tuples(PROVIDERS, st.sampled_from("123"))
NAMES = st.sampled_from(["ann", "Ann", "аnn", "bob", "boss", "github-ann", "x/y"])
HUB_NAMES = st.sampled_from(["ann", "bob", "boss", "github-ann", "github-bob"])


class SignIns(RuleBasedStateMachine):
    """`home`: who decides about each hub user; `recorded`: whose each identity is. `names`: who was first to have a
    name, by what it looks like. `pinned`: the first subject that used a provider's username. `usernames`: what people
    are called at their providers.
    """

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        memory = MEMORY if MEMORY.is_dir() else None
        self.directory = Path(tempfile.mkdtemp(prefix="hubauth-machine-", dir=memory))
        self.file = Path(shutil.copy(self.template, self.directory))
        self.hub_users = KnownUsers()
        self.home: dict[HubKey, Person] = {}
        self.recorded: dict[Person, HubKey] = {}
        self.names: dict[str, HubKey] = {}
        self.pinned: dict[tuple[str, str], str] = {}
        self.usernames: dict[Person, str] = {}
        self.forgotten: set[HubKey] = set()
        self.database: Database | None = None

    @initialize()
    def start(self) -> None:
        self.database = open_database(f"sqlite:///{self.file}")
        identities = Identities(self.database)
        identities.tell()
        identities.sweep(self.hub_users.everybody())
        self.house = House(identities, PREFIXES, hub_users=self.hub_users, options=ADOPT, listed=LISTED)
        self.under_way: dict[Person, tuple[str, Place]] = {}
        self.unfinished: dict[HubKey, Person] = {}

    @rule()
    def restart(self) -> None:
        self.close()
        self.start()

    def close(self) -> None:
        if self.database is not None:
            self.database.close()

    def teardown(self) -> None:
        self.close()
        self.runner.close()
        shutil.rmtree(self.directory)

    # What happens at the providers and in the hub.

    @rule(person=PEOPLE, name=NAMES)
    def rename_at_provider(self, person: Person, name: str) -> None:
        self.usernames[person] = name

    @rule(name=HUB_NAMES)
    def add_in_hub(self, name: str) -> None:
        if self.hub_users.find(name) is None:
            self.hub_users.add(name)

    @precondition(lambda self: self.hub_users.everybody())
    @rule(data=st.data(), new=HUB_NAMES)
    def rename_in_hub(self, data: st.DataObject, new: str) -> None:
        user = data.draw(st.sampled_from(self.hub_users.everybody()))
        if self.hub_users.find(new) is None:
            self.hub_users.rename(user, new)

    @precondition(lambda self: self.hub_users.everybody())
    @rule(data=st.data(), how=st.sampled_from(["properly", "silently", "halfway"]))
    def delete_in_hub(self, data: st.DataObject, how: str) -> None:
        """`silently`: the authenticator is not told. `halfway`: it is told, and the hub then fails to delete."""
        user = data.draw(st.sampled_from(self.hub_users.everybody()))
        if how != "silently":
            self.runner.run(self.house.identities.forget(hub_key(user)))
            self.forgotten |= {hub_key(user)} & set(self.home)
            self.names = {name: owner for name, owner in self.names.items() if owner != hub_key(user)}
            self.recorded = {person: owner for person, owner in self.recorded.items() if owner != hub_key(user)}
        if how != "halfway":
            self.hub_users.delete(user)

    @rule(data=st.data())
    def recreate_in_hub(self, data: st.DataObject) -> None:
        """Delete the newest hub user silently and make one of the same name, mostly with the same id."""
        everybody = self.hub_users.everybody()
        if everybody:
            user = max(everybody, key=lambda each: each.id)
            self.hub_users.delete(user)
            self.hub_users.add(user.name)

    # Connections.

    @precondition(lambda self: self.hub_users.everybody())
    @rule(data=st.data(), person=PEOPLE)
    def connect(self, data: st.DataObject, person: Person) -> None:
        """Whoever is signed in as a hub user proves to be this person, too."""
        user = data.draw(st.sampled_from(self.hub_users.everybody()))
        key, mine = hub_key(user), self.identities_of(hub_key(user))
        username = self.usernames.setdefault(person, "ann")
        record = self.house.identities.find(*person)
        free = person not in self.recorded and mine and person[0] not in {provider for provider, _ in mine}
        try:
            linked = self.house.identities.link(
                identity(*person, username),
                user,
                record_id=record.id if record else new_id(),
                pin=self.spelled(person),
            )
            self.runner.run(linked)
        except LinkRefused:
            assert not free, "an account that is nobody's was refused"
            assert person not in mine, "somebody's own account was refused"
        else:
            assert free or person in mine, f"{person} went from {self.recorded.get(person)} to {key}"
            self.recorded[person] = key
            self.pinned.setdefault((person[0], self.spelled(person)), person[1])

    @precondition(lambda self: self.recorded)
    @rule(data=st.data(), provider=PROVIDERS, working=st.sets(PROVIDERS))
    def disconnect(self, data: st.DataObject, provider: str, working: set[str]) -> None:
        """`working`: the providers that are in service."""
        key = data.draw(st.sampled_from(sorted(set(self.recorded.values()))))
        mine = self.identities_of(key)
        work = self.house.identities.unlink(key, provider, lambda record: record.provider in working)
        try:
            gone = self.runner.run(work)
        except LinkRefused:
            others = {name for name, _ in mine if name != provider}
            assert provider == self.home[key][0] or not others & working or provider not in {name for name, _ in mine}
            return
        person = (gone.provider, gone.subject)
        assert person in mine
        assert person != self.home[key], "the main account is gone"
        del self.recorded[person]
        assert {name for name, _ in self.identities_of(key)} & working, "the last way in is gone"

    @precondition(lambda self: self.recorded)
    @rule(data=st.data())
    def change_home(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(sorted(self.recorded)))
        key = self.recorded[person]
        if self.home[key] != person:
            self.runner.run(self.house.identities.make_home(key, person[0]))
            self.home[key] = person

    # Sign-ins.

    @rule(person=PEOPLE)
    def sign_in(self, person: Person) -> None:
        if self.finish(person) is not None:
            self.accept(person, fails=False)

    @rule(person=PEOPLE)
    def begin_only(self, person: Person) -> None:
        self.finish(person)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fails=st.booleans())
    def go_on(self, data: st.DataObject, fails: bool) -> None:
        self.accept(data.draw(st.sampled_from(sorted(self.under_way))), fails)

    def finish(self, person: Person) -> Place | None:
        """Place and reserve; None if refused."""
        before, own = self.contents(), self.hub_user_of(person)
        username = self.usernames.setdefault(person, "ann")
        try:
            place = self.house.finish(*person, username)
        except LoginRefused:
            place = None
        assert self.contents() == before, "something was written before the hub accepted"
        if own is not None:
            assert place is not None, "somebody was kept out of their own hub user"
            assert place.hub_user == own, "a recorded name did not win"
        if place is not None:
            self.check_place(person, place)
            self.under_way[person] = (username, place)
        return place

    def accept(self, person: Person, fails: bool) -> None:
        """The hub lets them in, unless it changed meanwhile; the sign-in is recorded, or that fails."""
        username, place = self.under_way.pop(person)
        if self.hub_users.find(place.name) != place.hub_user:
            self.house.mapper.release(identity(*person, username), bound=False)
            return
        user = self.house.accept(*person, username, place)
        if fails:
            self.house.mapper.release(identity(*person, username), bound=False)
            if place.hub_user is None:
                self.unfinished[hub_key(user)] = person
            return
        try:
            self.runner.run(self.house.bind(*person, username, place, user))
        except StoreError:
            assert self.recorded.get(person) != hub_key(user)
            if place.hub_user is None:
                self.unfinished[hub_key(user)] = person
            return
        self.check_bound(person, username, user)

    def check_place(self, person: Person, place: Place) -> None:
        """The hub user whom a sign-in would reach is this person's, or the rules give it to them."""
        former = self.names.get(name_key(place.name))
        assert former is None or place.returning or self.home[former] == person, "the name is recorded for another"
        user = place.hub_user
        if user is None:
            assert self.hub_users.find(place.name) is None
            return
        owner = self.home.get(hub_key(user))
        assert owner is None or self.recorded.get(person) == hub_key(user), f"{person} reaches the hub user of {owner}"
        assert hub_key(user) not in self.forgotten, "who ever had an identity was adopted"
        if owner is None and self.unfinished.get(hub_key(user)) != person:
            provider, subject = person
            given = ["boss"] if provider == "uni" else ["github-ann", "github-bob"]
            assert user.name in given, f"{person} adopts {user.name}, which nobody gave them"
            assert self.pinned.get((provider, self.spelled(person)), subject) == subject, "a pinned name was adopted"

    def check_bound(self, person: Person, username: str, user: HubUser) -> None:
        key = hub_key(user)
        assert self.recorded.get(person) == key or key not in self.home, "two people have one hub user"
        former = self.recorded.get(person)
        if former != key and former is not None and self.home[former] == person:
            self.names = {name: each for name, each in self.names.items() if each != former}
        self.home.setdefault(key, person)
        self.recorded[person] = key
        self.names.setdefault(name_key(user.name), key)
        spelled = self.house.providers[person[0]].normalize_username(username)
        self.pinned.setdefault((person[0], spelled), person[1])

    def spelled(self, person: Person) -> str:
        return self.house.providers[person[0]].normalize_username(self.usernames[person])

    def hub_user_of(self, person: Person) -> HubUser | None:
        """The person's hub user, by our own book, if it still lives and nobody asked to forget it."""
        mine = self.recorded.get(person)
        return next((user for user in self.hub_users.everybody() if hub_key(user) == mine), None)

    def identities_of(self, key: HubKey) -> set[Person]:
        """Who may sign in as a hub user, by our own book."""
        return {person for person, owner in self.recorded.items() if owner == key}

    def contents(self) -> list[str]:
        with sqlite3.connect(self.file) as connection:
            return list(connection.iterdump())

    @invariant()
    def records_agree_with_our_book(self) -> None:
        for user in self.hub_users.everybody() if self.database else ():
            records = self.house.identities.of_hub_user(hub_key(user))
            mine = {(record.provider, record.subject) for record in records}
            assert mine == self.identities_of(hub_key(user))
            decides = [(record.provider, record.subject) for record in records if record.home]
            assert decides == ([self.home[hub_key(user)]] if records else [])


@pytest.mark.row("B4", "V15", "V36", "V39")
@pytest.mark.timeout(300)
def test_no_order_of_events_lets_anybody_reach_another_persons_hub_user(store_template: Path) -> None:
    SignIns.template = store_template
    run_state_machine_as_test(
        SignIns,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
