"""From a call to its answer: what is checked, in which order."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.scopes import parse_scopes

from hubauth_core.configure import SCOPE
from hubauth_core.errors import CredentialError, HubAuthError
from hubauth_core.retrieval import Asker
from hubauth_core.types import Credential, HubUser, Secret
from hubauth_core.web.api_answers import Reply
from hubauth_core.web.callers import Caller
from hubauth_core.web.handout import ROUTES, Call, HandOut
from hubauth_core.web.rate import RateLimit

LIST, ONE, GIT = ROUTES
ANN = HubUser(id=1, name="ann", created=2.0)
OWN = Caller(user="ann", key=b"of ann", scopes=parse_scopes([f"{SCOPE}!user=ann"]))
SERVICE = Caller(holder="service:binder", key=b"of a service", scopes=parse_scopes([SCOPE]))


class Retrieval:
    """Writes down what it is asked, and answers with a token or an error."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.error: HubAuthError | None = None

    async def connections(self, user: HubUser) -> list[Any]:
        self.asked.append(("connections", user))
        return []

    async def credential(self, user: HubUser, provider: str, resource: str, asker: Asker) -> tuple[Any, Credential]:
        self.asked.append(("credential", user, provider, resource, asker))
        if self.error is not None:
            raise self.error
        return SimpleNamespace(provider=provider, username="octocat"), Credential(access_token=Secret("access"))

    async def for_git(self, user: HubUser, url: str, asker: Asker) -> Any:
        self.asked.append(("git", user, url, asker))
        raise CredentialError("None for that.", code="unknown_host")


class Hub:
    """A hub whose only user is ann."""

    def __init__(self, per_minute: int = 0) -> None:
        self.retrieval: Any = Retrieval()
        self.hand_out = HandOut(self.retrieval, RateLimit(per_minute))
        self.looked_up: list[str] = []

    async def get(self, route: Any = ONE, **parts: Any) -> Reply:
        call = Call(
            caller=OWN,
            user_name="ann",
            target="github",
            query={},
            address="192.0.2.1",
            login_url="/hub/connections",
            find=self.find,
            session=nullcontext,
        )
        return await self.hand_out.answer(route, replace(call, **parts))

    def find(self, name: str) -> HubUser | None:
        self.looked_up.append(name)
        return ANN if name == "ann" else None


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body.get("error", "")


async def test_each_address_asks_for_its_own() -> None:
    hub = Hub()
    assert (await hub.get(LIST, target="")).body == {"credentials": []}
    assert (await hub.get(ONE, query={"resource": [b"kafka"], "min_ttl": [b"5"]})).body["access_token"] == "access"
    assert told(await hub.get(GIT, query={"url": [b"https://x.example/o/r"]})) == (404, "unknown_host")
    asker = Asker(actor="", address="192.0.2.1", min_ttl=5.0)
    assert hub.retrieval.asked == [
        ("connections", ANN),
        ("credential", ANN, "github", "kafka", asker),
        ("git", ANN, "https://x.example/o/r", replace(asker, min_ttl=60.0)),
    ]


@pytest.mark.row("10.4.10")
async def test_without_a_token_nothing_is_looked_up() -> None:
    hub = Hub()
    assert told(await hub.get(caller=None)) == (403, "forbidden")
    assert (hub.looked_up, hub.retrieval.asked) == ([], [])


@pytest.mark.row("10.3.2", "R14")
async def test_without_the_right_nothing_is_looked_up() -> None:
    hub = Hub()
    assert told(await hub.get(user_name="ben")) == (404, "not_found")
    assert told(await hub.get(caller=replace(OWN, scopes=parse_scopes(["admin:users"])))) == (403, "forbidden")
    assert (hub.looked_up, hub.retrieval.asked) == ([], [])


async def test_an_unknown_user_reads_like_one_who_is_none_of_the_callers_business() -> None:
    hub = Hub()
    unknown = await hub.get(caller=SERVICE, user_name="nobody")
    assert unknown.body == (await hub.get(user_name="ben")).body
    assert hub.retrieval.asked == []


@pytest.mark.row("10.3.3")
async def test_a_name_that_somebody_else_has_by_now_is_not_enough() -> None:
    hub = Hub()
    assert told(await hub.get(caller=replace(OWN, user_key=(1, 1.0)))) == (404, "not_found")
    assert hub.retrieval.asked == []
    assert told(await hub.get(caller=replace(OWN, user_key=(1, 2.0)))) == (200, "")
    assert told(await hub.get(caller=replace(SERVICE, user="admin", user_key=(1, 1.0)))) == (200, "")


@pytest.mark.parametrize("name", ["ann\x00", "a" * 256, "ann\n"])
async def test_a_name_that_no_database_takes_is_unknown(name: str) -> None:
    hub = Hub()
    assert told(await hub.get(caller=SERVICE, user_name=name)) == (404, "not_found")
    assert hub.looked_up == []


async def test_each_token_has_its_limit_and_refused_calls_count() -> None:
    hub = Hub(per_minute=2)
    answers = [told(await hub.get(user_name=name)) for name in ("ben", "ann", "ann")]
    assert answers == [(404, "not_found"), (200, ""), (429, "rate_limited")]
    assert told(await hub.get(caller=SERVICE)) == (200, "")
    assert (await hub.get()).headers == {"Retry-After": "30"}


async def test_a_bad_parameter_is_refused_before_anything_is_asked() -> None:
    hub = Hub()
    assert told(await hub.get(query={"min_ttl": [b"soon"]})) == (400, "bad_request")
    assert told(await hub.get(GIT)) == (400, "bad_request")
    assert hub.retrieval.asked == []


async def test_the_audit_trail_hears_who_acts() -> None:
    hub = Hub()
    await hub.get(caller=SERVICE)
    assert hub.retrieval.asked[0][-1].actor == "service:binder"


async def test_an_error_is_an_answer_and_tells_where_to_sign_in() -> None:
    hub = Hub()
    hub.retrieval.error = CredentialError("Used up.", code="needs_login")
    reply = await hub.get()
    assert reply.body == {
        "status": 409,
        "error": "needs_login",
        "message": "Used up.",
        "login_url": "/hub/connections",
    }
