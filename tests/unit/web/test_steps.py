"""The steps of a transaction: it counts once, and a form may be tried again until it has led to something."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm

from hubauth_core import Identity, LoginRefused, SignIn
from hubauth_core.errors import LinkRefused
from hubauth_core.signin import Admitted
from hubauth_core.transaction import UsedStates, begin
from hubauth_core.types import Form, Request, Transaction
from hubauth_core.web.steps import StepsHandler

CREATED = datetime(2026, 5, 1, tzinfo=UTC)


class Steps(StepsHandler):
    """As much of a page as `take` needs. `answers` are what the flow makes of one attempt after the other."""

    host = flow = hub = None

    def __init__(self, *answers: Any) -> None:
        self.host = SimpleNamespace(used=UsedStates(), welcome=self._welcome)
        self.flow = SimpleNamespace(finish=self._finish)
        self.hub = SimpleNamespace(base_url="/hub/")
        self.answers = list(answers)
        self.arrived = self.steps = self.sent_on = 0

    async def _welcome(self, page: object, admitted: object) -> str:
        return "ann"

    async def _finish(self, *arguments: object) -> Any:
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def go_on(self, *arguments: object) -> None:
        self.steps += 1

    def arrive(self, *arguments: object) -> None:
        self.arrived += 1

    def drop(self, name: str) -> None:
        """The cookie goes."""

    def safe_next(self, wanted: str) -> str:
        return wanted

    def redirect(self, url: str) -> None:
        self.sent_on += 1


async def take(page: Steps, transaction: Transaction, *, once_only: bool) -> None:
    provider: Any = SimpleNamespace(name="uni")
    await page.take(provider, Request(), transaction, once_only=once_only)


ADMITTED = object.__new__(Admitted)
WRONG = LoginRefused("Wrong.", code="bad_credentials")


class Linked(Steps):
    """A page of `ann`, who signed in a while ago; `owner` is whose the identity is, None for nobody's."""

    current_user = None

    def __init__(self, owner: tuple[int, float] | None) -> None:
        super().__init__(SignIn(identity=Identity(provider="uni", subject="7", username="ann")))
        self.current_user = SimpleNamespace(orm_user=orm.User(id=1, name="ann", created=CREATED, groups=[], roles=[]))
        known = None if owner is None else SimpleNamespace(hub_user=owner)
        self.flow.identities = SimpleNamespace(find=lambda *key: known)
        self.connected = 0

    def _check_bound(self, transaction: Transaction) -> None:
        """It is."""

    def is_recent(self, leeway: float = 0.0) -> bool:
        return False

    async def connect(self, sign_in: SignIn) -> None:
        self.connected += 1


@pytest.mark.row("M06", "7.5.1")
@pytest.mark.parametrize(
    ("owner", "connected"), [((1, CREATED.timestamp()), 1), ((1, 9.0), 0), ((2, 1.0), 0), (None, 0)]
)
async def test_only_what_is_theirs_already_is_renewed_without_a_recent_sign_in(
    owner: tuple[int, float] | None, connected: int
) -> None:
    page = Linked(owner)
    link = begin("uni", redirect_uri="", next_url="", purpose="link")
    if connected:
        await take(page, link, once_only=True)
    else:
        with pytest.raises(LinkRefused) as refused:
            await take(page, link, once_only=True)
        assert refused.value.code == "sign_in_again"
    assert page.connected == connected


@pytest.fixture
def transaction() -> Transaction:
    return begin("uni", redirect_uri="https://hub.example/hub/auth/uni/callback", next_url="")


@pytest.mark.row("R03", "X17")
async def test_a_form_may_be_tried_again_until_it_has_led_to_a_session(transaction: Transaction) -> None:
    page = Steps(Form(), WRONG, ADMITTED, ADMITTED)
    await take(page, transaction, once_only=False)
    with pytest.raises(LoginRefused):
        await take(page, transaction, once_only=False)
    await take(page, transaction, once_only=False)
    assert (page.steps, page.arrived) == (1, 1)
    await take(page, transaction, once_only=False)  # a replay
    assert (page.arrived, page.sent_on, page.answers) == (1, 1, [ADMITTED])


@pytest.mark.row("R03", "X17")
async def test_the_answer_of_a_source_is_taken_once_even_if_it_was_refused(transaction: Transaction) -> None:
    page = Steps(WRONG, ADMITTED)
    for _ in range(2):
        with pytest.raises(LoginRefused):
            await take(page, transaction, once_only=True)
    assert (page.arrived, page.answers) == (0, [ADMITTED])


@pytest.mark.row("R03", "F12")
async def test_a_form_sent_twice_at_once_is_looked_at_once(transaction: Transaction) -> None:
    page = Steps(ADMITTED, ADMITTED)
    await asyncio.gather(*(take(page, transaction, once_only=False) for _ in range(2)))
    assert (page.arrived, page.sent_on, page.answers) == (1, 1, [ADMITTED])
