"""What BinderHub asks hubauth for, and the sentences that its page shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hubauth_binderhub.client import Visitor
from hubauth_binderhub.errors import AccessRefused

from .snare import Snare
from .stub_hub import Person, StubHub, refusal

FORGE = "https://forge.test"
REPOSITORY = f"{FORGE}/lab/data"


@pytest.fixture
def eve(hub: StubHub) -> Person:
    """Is connected to forge.test."""
    hub.known.add(FORGE)
    person = hub.add("eve")
    person.connect(FORGE, "tok-eve")
    return person


def visitor(hub: StubHub, person: Person, **changes: Any) -> Visitor:
    known = {"name": person.name, "token": person.token, "api_url": hub.api_url, "hub_url": "https://hub.test"}
    return Visitor(**known | changes)


async def refused(visitor: Visitor, url: str = REPOSITORY) -> str:
    """The sentence of a refusal, which names no token."""
    with pytest.raises(AccessRefused) as caught:
        await visitor.credential(url)
    assert "tok" not in str(caught.value)
    return str(caught.value)


async def test_credential_of_the_host(hub: StubHub, eve: Person) -> None:
    credential = await visitor(hub, eve).credential(REPOSITORY)
    assert credential.origin == FORGE
    assert credential.text == "username=oauth2\\npassword=tok-eve"


async def test_asks_with_the_visitors_token_for_a_credential_that_lasts(hub: StubHub, eve: Person) -> None:
    await visitor(hub, eve).credential(REPOSITORY)
    [(path, authorization)] = hub.seen
    assert authorization == f"token {eve.token}"
    assert parse_qs(urlsplit(path).query) == {"url": [REPOSITORY], "min_ttl": ["600"]}


async def test_a_name_is_one_step_of_the_path(hub: StubHub, eve: Person) -> None:
    await refused(visitor(hub, eve, name="eve/../ann"))
    assert hub.seen[0][0].startswith("/hub/api/hubauth/users/eve%2F..%2Fann/git-credential?")


@pytest.mark.row("V41")
async def test_neither_visitor_nor_credential_show_a_secret(hub: StubHub, eve: Person) -> None:
    someone = visitor(hub, eve)
    shown = repr(someone) + repr(await someone.credential(REPOSITORY))
    assert eve.token not in shown
    assert "tok-eve" not in shown


async def test_not_connected(hub: StubHub, eve: Person) -> None:
    eve.credentials.clear()
    sentence = await refused(visitor(hub, eve))
    assert sentence == (
        f"{REPOSITORY} is not public. You have not connected Forge yet. Go to https://hub.test/hub/connections"
    )


async def test_unknown_host(hub: StubHub, eve: Person) -> None:
    sentence = await refused(visitor(hub, eve), "https://else.test/lab/data")
    assert "knows no accounts at else.test" in sentence


async def test_a_token_without_the_scope_is_the_administrators_business(hub: StubHub, eve: Person) -> None:
    eve.may_ask = False
    assert "oauth_client_allowed_scopes" in await refused(visitor(hub, eve))


async def test_a_hub_without_hubauth(hub: StubHub, eve: Person) -> None:
    hub.answers["eve"] = (404, {"status": 404, "message": "Not Found"})
    assert "may not ask" in await refused(visitor(hub, eve))


async def test_somebody_elses_name(hub: StubHub, eve: Person) -> None:
    hub.add("ann").connect(FORGE, "tok-ann")
    assert "may not ask" in await refused(visitor(hub, eve, name="ann"))


@pytest.mark.parametrize(
    ("status", "error"), [(429, "rate_limited"), (503, "provider_unavailable"), (400, "bad_request"), (403, "blocked")]
)
async def test_hubauths_own_sentence(hub: StubHub, eve: Person, status: int, error: str) -> None:
    hub.answers["eve"] = refusal(status, error, "Forge is away. Try again in 30 seconds.")
    assert await refused(visitor(hub, eve)) == "Forge is away. Try again in 30 seconds."


@pytest.mark.parametrize(
    "answer",
    [(200, b"<html>"), (200, []), (500, b""), (502, {"message": None})],
    ids=["html", "list", "empty", "no message"],
)
async def test_rubbish_is_no_credential(hub: StubHub, eve: Person, answer: tuple[int, Any]) -> None:
    hub.answers["eve"] = answer
    assert await refused(visitor(hub, eve))


async def test_the_token_follows_no_redirect(hub: StubHub, eve: Person, trap: Snare) -> None:
    hub.answers["eve"] = (302, f"{trap.url}/git-credential")
    assert await refused(visitor(hub, eve))
    assert not trap.asked


async def test_hub_that_is_down(hub: StubHub, eve: Person) -> None:
    assert "Try again" in await refused(visitor(hub, eve, api_url="http://127.0.0.1:9/hub/api/hubauth"))


@pytest.mark.parametrize("other", [{"host": "else.test"}, {"protocol": "http"}, {"host": "forge.test:444"}])
async def test_a_credential_for_another_host_is_not_used(hub: StubHub, eve: Person, other: dict[str, str]) -> None:
    eve.credentials[FORGE] |= other
    assert await refused(visitor(hub, eve))


MANGLED = [
    "a\\tb",
    "a\\",
    "a$$b",
    "a$(HOME)",
    "a b",
    "a\tb",
    "a\nb",
    "a\rb",
    "a\0b",
    "*",
    "a?",
    "[a]",
    "'a",
    '"a',
    "`a`",
    "ä",
    "",
]


@pytest.mark.parametrize("value", MANGLED)
@pytest.mark.parametrize("part", ["username", "password"])
async def test_what_a_build_would_mangle_is_refused(hub: StubHub, eve: Person, part: str, value: str) -> None:
    values = {"username": "eve", "password": "good"} | {part: value}
    eve.connect(FORGE, **values)
    assert "cannot carry" in await refused(visitor(hub, eve))


async def test_what_hubauth_itself_withholds(hub: StubHub, eve: Person) -> None:
    eve.credentials[FORGE]["git_credentials"] = None
    assert "cannot carry" in await refused(visitor(hub, eve))
