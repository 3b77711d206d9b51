"""In whatever order people sign in and ask, processes die, stores fail and sources are silent, no grant is lost by us.

Two processes share one store; their source ends the grant of a refresh token that comes twice. The machine's own book
says which grants may be dead: those that the source ended by itself, and those whose renewal died with its process.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from harness.authority import Authority, Clock, Grant
from harness.shelf import Shelf
from harness.stored import Stored
from hubauth_core import CredentialError, ProviderError, StoreError, Unavailable
from hubauth_core import saving as storing
from hubauth_core.database import Database, open_database
from hubauth_core.mapping import Record
from hubauth_core.vault import Opened

MEMORY = Path("/dev/shm")
LIFE = 300.0
SUBJECTS = st.sampled_from("12")
PROCESSES = st.sampled_from([0, 1])
SCOPES = st.sampled_from([frozenset("r"), frozenset("rw"), frozenset("rx")])
MISFORTUNES = st.sampled_from(["killed", "killed", "store-fails", "store-works", "revoked", "deleted", "signed-out"])
SAYS = st.sampled_from([None, None, None, None, Unavailable(), ProviderError("?"), RuntimeError()])


class Renewals(RuleBasedStateMachine):
    """`excused` are grants that may be dead or lost. `seen` is every access token that ever stood in the store.

    `gone` are those whose credentials were deleted, and who have not signed in since. `kept` is whose grant stands in
    the store since the last sign-in.
    """

    template: Path
    shelf: Shelf

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp(prefix="hubauth-machine-", dir=MEMORY if MEMORY.is_dir() else None))
        self.file = Path(shutil.copy(self.template, self.directory))
        self.databases: list[Database] = []
        self.excused: list[Grant] = []
        self.seen: set[str] = set()
        self.gone: set[str] = set()
        self.kept: dict[str, Grant | None] = {}
        self.set_store(fails=False)
        self.under_way: list[tuple[int, str, asyncio.Task[Any]]] = []

    @initialize()
    def start(self) -> None:
        self.databases = [open_database(f"sqlite:///{self.file}") for _ in range(3)]
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.authority = Authority(Clock(), LIFE)
        self.processes = [self._process(number) for number in range(2)]
        self.witness = Stored(self.shelf, self.databases[2], self.authority)
        for subject in "12":
            await self.witness.sign_in(subject=subject)

    def _process(self, number: int) -> Stored:
        stored = Stored(self.shelf, self.databases[number], self.authority, patience=0.0)
        write = stored.vault.replace

        async def replace_(*arguments: Any) -> bool:
            if self.store_fails:
                raise StoreError("Full.")
            return await write(*arguments)

        vars(stored.vault)["replace"] = replace_
        return stored

    def teardown(self) -> None:
        if self.databases:
            self.set_store(fails=False)
            self.runner.run(self._finish())
        self.runner.close()
        for database in self.databases:
            database.close()
        shutil.rmtree(self.directory)

    # What people do, and what happens to them.

    @rule(subject=SUBJECTS, scopes=SCOPES, refresh=st.sampled_from([True, True, False]), process=PROCESSES)
    def sign_in(self, subject: str, scopes: frozenset[str], refresh: bool, process: int) -> None:
        before, new = self.opened(subject), self.authority.sign_in(subject, scopes, refresh=refresh)
        self.runner.run(self.processes[process].sign_in(new, subject=subject))
        after = self.opened(subject)
        self._look()
        self.gone.discard(subject)
        assert after.content is not None
        assert after.held is not None
        assert after.held.trouble == "", "a sign-in mends"
        self.kept[subject] = self.grant_of(subject)
        if before.held is None or before.held.trouble or not scopes < before.held.scopes:
            return
        if before.held.renewable or before.held.lasts(self.authority.clock()):
            assert after.content == before.content, "whoever signs in for less keeps what was granted"

    @rule(subject=SUBJECTS, process=PROCESSES, what=MISFORTUNES)
    def misfortune(self, subject: str, process: int, what: str) -> None:
        if what == "killed":
            self.kill(process)
        elif what == "revoked":
            self.excuse(subject)
            for grant in self.authority.grants:
                grant.alive = grant.alive and grant.subject != subject
        elif what.startswith("store"):
            self.set_store(fails=what == "store-fails")
        else:
            self.delete(subject, process, signs_out=what == "signed-out")

    def set_store(self, *, fails: bool) -> None:
        """Nobody gives up waiting for a store that works, however slow this machine is."""
        self.store_fails = fails
        storing.PATIENCE = 0.02 if fails else 60.0  # type: ignore[misc]  # the test puts it back

    def delete(self, subject: str, process: int, *, signs_out: bool) -> None:
        """The hub user is deleted; or signs out, and has everything given back."""
        record, stored = self.record(subject), self.processes[process]
        if signs_out and record is not None:
            self.runner.run(stored.vault.give_back([record]))
        else:
            self.runner.run(stored.delete(subject))
        self.gone.add(subject)
        self.excuse(subject)

    def kill(self, process: int) -> None:
        """A grant whose successor was not stored dies with the process; nothing else does."""
        for number, subject, _ in self.under_way:
            if number == process:
                self.excuse(subject)
        saving = self.processes[process].refresher._saving._under_way
        for subject in "12":
            if (self.record_id(subject), "") in saving:
                self.excuse(subject)
        self.runner.run(self._kill(process, [*saving.values()]))
        self.under_way = [each for each in self.under_way if each[0] != process]
        if not self.under_way:
            self.authority.gate.set()

    async def _kill(self, process: int, tasks: list[asyncio.Task[Any]]) -> None:
        dying = [*tasks, *self.processes[process].refresher._flights.values()]
        for task in dying:
            task.cancel()
        asking = (task for number, _, task in self.under_way if number == process)
        await asyncio.gather(*dying, *asking, return_exceptions=True)
        self.processes[process] = self._process(process)

    def excuse(self, subject: str) -> None:
        self.excused += [grant for grant in self.authority.grants if grant.subject == subject]

    def pass_time(self, seconds: float) -> None:
        """A store that fails does so for less time than a lease holds: after that another process may try."""
        saving = any(process.refresher._saving._under_way for process in self.processes)
        self.authority.clock.forward(min(seconds, 0.1) if saving else seconds)

    # Who asks. No precondition: what is under way depends on threads, and Hypothesis wants the same choices again.

    @rule(
        subject=SUBJECTS,
        processes=st.sampled_from([(0,), (1,), (0, 1, 1, 0)]),
        age=st.sampled_from([0.0, 1.0, LIFE - 30, LIFE, LIFE]),
        min_ttl=st.sampled_from([0.0, 60.0, 10_000.0]),
        says=SAYS,
    )
    def ask(self, subject: str, processes: tuple[int, ...], age: float, min_ttl: float, says: object) -> None:
        if self.under_way:
            self.ask_meanwhile(processes[0])
            return
        if subject in self.gone:
            self.sign_in(subject, frozenset("rw"), True, processes[0])
        self.pass_time(age)
        self.authority.says = [says] if says else []
        for result in self.runner.run(self._ask(processes, subject, min_ttl)):
            self._check(result)
            if isinstance(result, CredentialError):
                assert self._may_need_a_sign_in(subject), f"{subject} is sent to sign in, and the grant was good"
        self.authority.says = []

    async def _ask(self, processes: tuple[int, ...], subject: str, min_ttl: float) -> list[object]:
        record = self.record(subject)
        if record is None:
            return []
        asks = (self.processes[process].token(record, min_ttl=min_ttl) for process in processes)
        return await asyncio.wait_for(asyncio.gather(*asks, return_exceptions=True), 120)

    @rule(subject=SUBJECTS, process=PROCESSES, answers=st.booleans())
    def ask_and_go_on(self, subject: str, process: int, answers: bool) -> None:
        """The source takes its time, so that other things happen meanwhile; until it answers."""
        if self.under_way and answers:
            self.source_answers()
            return
        record = self.record(subject)
        if record is None or any(each[1] == subject for each in self.under_way):
            return
        if not self.under_way:
            self.pass_time(LIFE)
        self.authority.gate.clear()
        self.runner.run(self._begin(process, record))
        if not self.under_way:
            self.authority.gate.set()

    async def _begin(self, process: int, record: Record) -> None:
        before = self.authority.at_once
        asks = asyncio.ensure_future(self.processes[process].token(record))
        held_up = asyncio.ensure_future(self.authority.asked(before + 1))
        await asyncio.wait({asks, held_up}, return_when=asyncio.FIRST_COMPLETED)
        held_up.cancel()
        if asks.done():
            asks.exception()
        else:
            self.under_way.append((process, record.subject, asks))

    def ask_meanwhile(self, process: int) -> None:
        """Another process has no patience, and gets what is stored, or is told to come again."""
        subject = self.under_way[0][1]
        if (record := self.record(subject)) is not None and self.under_way[0][0] != process:
            [result] = self.runner.run(self._meanwhile(process, record))
            self._check(result)

    async def _meanwhile(self, process: int, record: Record) -> list[object]:
        asks = asyncio.ensure_future(self.processes[process].token(record))
        held_up = asyncio.ensure_future(self.authority.asked(self.authority.at_once + 1))
        await asyncio.wait({asks, held_up}, return_when=asyncio.FIRST_COMPLETED)
        held_up.cancel()
        if not asks.done():  # its grant is another one by now
            self.under_way.append((process, record.subject, asks))
            return [StoreError("It asks, too.")]
        return await asyncio.gather(asks, return_exceptions=True)

    def source_answers(self) -> None:
        for result in self.runner.run(self._finish()):
            self._check(result)

    async def _finish(self) -> list[object]:
        self.authority.gate.set()
        answered, self.under_way = self.under_way, []
        return await asyncio.gather(*(task for _, _, task in answered), return_exceptions=True)

    def _check(self, result: object) -> None:
        """Of what somebody was given."""
        self._look()
        ours = CredentialError | ProviderError | StoreError
        assert not isinstance(result, BaseException) or isinstance(result, ours), result
        if isinstance(result, str):
            assert result in self.seen, "somebody got a token that is not stored"

    # The book.

    def record(self, subject: str) -> Record | None:
        return self.witness.identities.find("uni", subject)

    def record_id(self, subject: str) -> str:
        record = self.record(subject)
        return record.id if record else ""

    def opened(self, subject: str) -> Opened[Any]:
        record = self.record(subject)
        return self.runner.run(self.witness.vault.credential(record)) if record else Opened(None, "missing")

    def grant_of(self, subject: str, opened: Opened[Any] | None = None) -> Grant | None:
        content = (opened or self.opened(subject)).content
        return None if content is None else self.authority.grant_of(content)

    def _may_need_a_sign_in(self, subject: str) -> bool:
        opened = self.opened(subject)
        grant = self.grant_of(subject, opened)
        if grant is None or grant in self.excused:
            return True
        return opened.held is not None and not opened.held.renewable and not opened.held.lasts(self.authority.clock())

    def _look(self) -> dict[str, Opened[Any]]:
        stands = {subject: self.opened(subject) for subject in "12"}
        self.seen |= {each.content.access_token.reveal() for each in stands.values() if each.content is not None}
        return stands

    @invariant()
    def nothing_is_lost(self) -> None:
        if not self.databases:
            return
        stands = self._look()
        assert all(stands[subject].reason == "missing" for subject in self.gone), "what was deleted came back"
        assert self.authority.overlapping == [], "one token was sent twice at once"
        for subject, opened in stands.items():
            grant = self.grant_of(subject, opened)
            assert grant is None or grant is self.kept.get(subject, grant), "what a sign-in brought was overwritten"
            if grant is None or grant in self.excused or opened.held is None:
                continue
            assert grant.alive or not opened.held.renewable, "a token was used twice"
            assert opened.held.trouble in ("", "expired"), "a grant was given up that its source had not ended"
            if self._is_being_renewed(subject):
                continue
            if opened.content.refresh_token is not None:
                assert opened.content.refresh_token.reveal() == grant.refresh, "a refresh token was lost"

    def _is_being_renewed(self, subject: str) -> bool:
        place = (self.record_id(subject), "")
        return any(place in process.refresher._saving for process in self.processes)


@pytest.mark.row("F10", "R04", "F11")
@pytest.mark.timeout(300)
def test_no_order_of_events_loses_a_grant(store_template: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "PAUSES", (0.001,))
    monkeypatch.setattr(storing, "PATIENCE", storing.PATIENCE)
    Renewals.template, Renewals.shelf = store_template, shelf
    run_state_machine_as_test(
        Renewals,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
