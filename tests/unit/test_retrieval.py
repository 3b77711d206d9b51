"""Who may have which credential, in which state it is, and that every hand-out is written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from harness.authority import Authority, Clock
from harness.shelf import Shelf
from harness.stored import Stored
from hubauth_core import (
    CredentialError,
    HubAuthError,
    HubUser,
    ProviderUnavailable,
    ReauthRequired,
    Secret,
    StoreError,
    Unavailable,
)
from hubauth_core.database import Database
from hubauth_core.retrieval import Asker

row = pytest.mark.row
GIT = {"git_urls": ["https://git.example", "https://code.example/group"]}


@pytest.fixture
def authority() -> Authority:
    return Authority(Clock())


@pytest.fixture
def stored(shelf: Shelf, database: Database, authority: Authority) -> Stored:
    return Stored(shelf, database, authority, others={"lab": {}}, resources={"kafka": "audience kafka"})


async def refusal(stored: Stored, provider: str = "uni", resource: str = "", user: HubUser | None = None) -> str:
    """The code with which a hand-out is refused; nothing was asked of any source."""
    calls = len(stored.authority.calls), len(stored.authority.exchanges)
    with pytest.raises(HubAuthError) as caught:
        await stored.retrieval.credential(user or stored.user(), provider, resource)
    assert (len(stored.authority.calls), len(stored.authority.exchanges)) == calls
    assert "-1" not in caught.value.sentence, "a token"
    return caught.value.code


async def test_a_user_gets_the_credential_of_the_provider_and_whose_it_is(stored: Stored) -> None:
    home, lab = await stored.sign_in(), await stored.connect("lab")
    for provider, record, number in (("uni", home, 1), ("lab", lab, 2)):
        found, credential = await stored.retrieval.credential(stored.user(), provider)
        assert found.id == record.id
        assert credential.access_token == Secret(f"access-{number}")


@row("F17")
async def test_what_is_not_there_has_a_name_of_its_own(stored: Stored) -> None:
    assert await refusal(stored, "uni") == "not_connected"
    await stored.sign_in()
    assert await refusal(stored, "lab") == "not_connected"
    assert await refusal(stored, "nowhere") == "unknown_provider"
    assert await refusal(stored, "../uni") == "unknown_provider"
    assert await refusal(stored, user=stored.user("2")) == "not_connected"


@row("F17")
async def test_a_provider_that_is_broken_or_gone_hands_out_nothing_and_loses_nothing(
    shelf: Shelf, database: Database, stored: Stored
) -> None:
    await stored.sign_in()
    await stored.connect("lab")
    later = Stored(shelf, database, stored.authority, options={"no_such_option": 1})
    with pytest.raises(ProviderUnavailable) as caught:
        await later.retrieval.credential(stored.user(), "uni")
    assert caught.value.code == "provider_disabled"
    assert await refusal(later, "lab") == "unknown_provider"
    assert [each.state for each in await later.retrieval.connections(stored.user())] == ["unavailable"] * 2
    assert [each.state for each in await stored.retrieval.connections(stored.user())] == ["ready"] * 2
    await stored.retrieval.credential(stored.user(), "lab")


@row("R14")
@pytest.mark.parametrize(
    "resource", ["nothing", "kafka ", "KAFKA", "kafka\0", "kafka\n", "#", "\ud800", "x" * 10_000, "../kafka", "kafka/x"]
)
async def test_only_a_configured_resource_is_exchanged_for(stored: Stored, resource: str) -> None:
    await stored.sign_in()
    assert await refusal(stored, "uni", resource) == "unknown_resource"


@row("R14")
async def test_what_was_exchanged_cannot_be_asked_for_by_its_key(
    shelf: Shelf, database: Database, stored: Stored
) -> None:
    """Under it stands what the resource meant once."""
    record = await stored.sign_in()
    await stored.retrieval.credential(stored.user(), "uni", "kafka")
    key = stored.refresher.key_of("uni", "kafka")
    assert (await stored.vault.credential(record, key)).content is not None
    changed = Stored(shelf, database, stored.authority, resources={"kafka": "something else"})
    assert await refusal(changed, "uni", key) == "unknown_resource"


async def test_a_resource_that_a_sign_in_brought_a_credential_for_can_be_asked_for(stored: Stored) -> None:
    api = stored.authority.sign_in(resource="https://api.example")
    await stored.sign_in(stored.authority.sign_in(), api)
    _, credential = await stored.retrieval.credential(stored.user(), "uni", "https://api.example")
    assert credential == api


@row("V17", "7.4.2")
@pytest.mark.parametrize(
    "changed",
    [
        {"blocked": ["ann1"]},
        {"options": {"blocked_users": ["ann1"]}},
        {"options": {"blocked_users": ["id:1"]}},
        {"options": {"blocked_users": ["formerly"]}},
    ],
    ids=["hub-wide", "by-name", "by-subject", "by-a-former-name"],
)
async def test_whoever_is_kept_out_gets_nothing_whatever_token_they_have(
    shelf: Shelf, database: Database, stored: Stored, changed: dict[str, Any]
) -> None:
    await stored.sign_in()
    await stored.connect("lab")
    await stored.identities.pin("uni", "formerly", "1")
    strict = Stored(shelf, database, stored.authority, others={"lab": {}}, **changed)
    for provider in ("uni", "lab"):
        assert await refusal(strict, provider) == "blocked"
    assert {event.reason for event in strict.events} == {"blocked"}


@row("V17")
@pytest.mark.parametrize("refused", ["uni", "lab"])
async def test_whom_a_source_has_refused_gets_nothing_there_and_without_a_home_nowhere(
    stored: Stored, refused: str
) -> None:
    records = {"uni": await stored.sign_in(), "lab": await stored.connect("lab")}
    await stored.identities.mark(records[refused], refused=True)
    assert await refusal(stored, refused) == "blocked"
    if refused == "uni":
        assert await refusal(stored, "lab") == "blocked"
    else:
        await stored.retrieval.credential(stored.user(), "uni")


@row("V15")
async def test_whoever_gets_the_name_and_id_of_a_deleted_user_inherits_nothing(stored: Stored) -> None:
    await stored.sign_in()
    deleted = stored.user()
    await stored.delete()
    assert stored.user().name == deleted.name
    assert await refusal(stored) == "not_connected"
    assert await refusal(stored, user=deleted) == "not_connected"


@row("V15")
async def test_a_renamed_user_keeps_what_is_theirs_and_the_old_name_leads_nowhere(stored: Stored) -> None:
    await stored.sign_in()
    renamed = replace(stored.user(), name="anna")
    _, credential = await stored.retrieval.credential(renamed, "uni")
    assert credential.access_token == Secret("access-1")
    assert await refusal(stored, user=HubUser(id=2, name="ann1", created=2.0)) == "not_connected"


@pytest.mark.parametrize("min_ttl", [60.0, 250.0, 1e300, float("inf"), -1.0, float("nan")])
async def test_no_wish_for_a_lifetime_makes_a_source_work_for_nothing(stored: Stored, min_ttl: float) -> None:
    await stored.sign_in()
    stored.clock.forward(100)
    for _ in range(3):
        await stored.retrieval.credential(stored.user(), "uni", asker=Asker(min_ttl=min_ttl))
    assert stored.authority.calls == []


# The trail.


@row("M13")
async def test_every_hand_out_and_every_refusal_is_one_event(stored: Stored) -> None:
    await stored.sign_in()
    asker = Asker(actor="binder", address="192.0.2.7")
    await stored.retrieval.credential(stored.user(), "uni", "kafka", asker)
    with pytest.raises(CredentialError):
        await stored.retrieval.credential(stored.user(), "lab", asker=asker)
    with pytest.raises(CredentialError):
        await stored.retrieval.credential(stored.user(), "x" * 1000, asker=asker)
    told = [
        (event.kind, event.reason, event.provider, event.subject, event.hub_user, event.actor, event.resource)
        for event in stored.events
    ]
    assert told == [
        ("credential", "", "uni", "1", "ann1", "binder", "kafka"),
        ("credential_refused", "not_connected", "lab", "", "ann1", "binder", ""),
        ("credential_refused", "unknown_provider", "", "", "ann1", "binder", ""),
    ]
    assert {event.address for event in stored.events} == {"192.0.2.7"}


@row("F13")
async def test_a_store_that_cannot_be_read_hands_out_nothing_and_is_written_down(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored.sign_in()
    monkeypatch.setattr(stored.database, "_reads", create_engine("sqlite:////nowhere/hubauth.sqlite"))
    with pytest.raises(StoreError):
        await stored.retrieval.credential(stored.user(), "uni")
    assert [(event.kind, event.reason) for event in stored.events] == [("credential_refused", "store_failed")]
    monkeypatch.undo()
    await stored.retrieval.credential(stored.user(), "uni")


@row("F15")
async def test_a_hand_out_that_the_trail_cannot_take_does_not_happen(
    shelf: Shelf, database: Database, authority: Authority, tmp_path: Path
) -> None:
    stored = Stored(shelf, database, authority, trail=tmp_path / "nowhere" / "trail")
    await stored.sign_in()
    with pytest.raises(StoreError):
        await stored.retrieval.credential(stored.user(), "uni")
    (tmp_path / "nowhere").mkdir()
    await stored.retrieval.credential(stored.user(), "uni")
    [line] = (tmp_path / "nowhere" / "trail").read_text().splitlines()
    assert json.loads(line)["kind"] == "credential"
    assert "access-1" not in line


# The states.


async def states(stored: Stored) -> list[str]:
    return [each.state for each in await stored.retrieval.connections(stored.user())]


async def test_connections_come_home_first_and_say_what_there_is(stored: Stored) -> None:
    await stored.sign_in()
    await stored.connect("lab", stored.authority.sign_in(scopes={"repo"}, refresh=False))
    home, lab = await stored.retrieval.connections(stored.user())
    assert (home.record.provider, home.record.home, home.state, home.renewable) == ("uni", True, "ready", True)
    assert (home.scopes, home.expires_at, home.resources) == ({"read", "write"}, stored.clock() + 300, ("kafka",))
    assert (lab.record.provider, lab.record.home, lab.state, lab.renewable) == ("lab", False, "ready", False)
    assert (lab.scopes, lab.label) == ({"repo"}, "The forge")
    assert await stored.retrieval.connections(stored.user("2")) == []


async def test_a_renewable_credential_is_ready_also_when_it_has_expired_and_another_is_not(stored: Stored) -> None:
    await stored.sign_in()
    await stored.connect("lab", stored.authority.sign_in(refresh=False))
    stored.clock.forward(1000)
    assert await states(stored) == ["ready", "needs_login"]


async def test_a_grant_that_ended_says_so_until_the_next_sign_in(stored: Stored) -> None:
    await stored.sign_in()
    stored.clock.forward(1000)
    stored.authority.says = [ReauthRequired("invalid_grant")]
    with pytest.raises(CredentialError):
        await stored.retrieval.credential(stored.user(), "uni")
    assert await states(stored) == ["needs_login"]
    await stored.sign_in()
    assert await states(stored) == ["ready"]


async def test_a_source_that_does_not_answer_is_unavailable_only_where_it_is_missed(stored: Stored) -> None:
    await stored.sign_in()
    stored.clock.forward(280)
    stored.authority.says = [Unavailable(retry_after=1000)]
    await stored.retrieval.credential(stored.user(), "uni")
    assert await states(stored) == ["ready"]
    stored.clock.forward(30)
    assert await states(stored) == ["unavailable"]
    stored.clock.forward(1000)
    assert await states(stored) == ["ready"]


async def test_what_was_never_stored_or_cannot_be_read_says_so(
    shelf: Shelf, database: Database, stored: Stored, authority: Authority
) -> None:
    await stored.sign_in()
    assert await states(Stored(shelf, database, authority, keys=[])) == ["storage_disabled"]
    assert await states(Stored(shelf, database, authority, keys=[b"x" * 32])) == ["needs_login"]
    without_keys = Stored(shelf, database, authority, keys=[])
    await without_keys.sign_in(subject="2")
    [connection] = await stored.retrieval.connections(stored.user("2"))
    assert connection.state == "not_stored"
    assert await refusal(without_keys) == "storage_disabled"
    assert await refusal(stored, user=stored.user("2")) == "needs_login"


# For git.


@pytest.fixture
def forges(shelf: Shelf, database: Database, authority: Authority) -> Stored:
    """`uni` and `lab` share a host; `code` has only a part of it."""
    return Stored(
        shelf,
        database,
        authority,
        options=GIT,
        others={"lab": GIT, "code": {"git_urls": ["https://git.example/code"]}, "none": {}},
    )


@pytest.mark.parametrize(
    ("connected", "url", "provider"),
    [
        ([], "https://git.example/o/r", "uni"),
        (["lab"], "https://code.example/group/r", "uni"),
        (["code"], "https://git.example/code/r", "code"),
        (["code"], "https://git.example/other/r", "uni"),
        ([], "https://git.example/code/r", "uni"),
    ],
)
async def test_git_gets_the_credential_of_the_nearest_provider_that_the_user_has(
    forges: Stored, connected: list[str], url: str, provider: str
) -> None:
    await forges.sign_in()
    for name in connected:
        await forges.connect(name)
    found = await forges.retrieval.for_git(forges.user(), url)
    assert (found.provider, found.username) == (provider, "oauth2")
    assert [event.kind for event in forges.events] == ["credential"]
    assert found.credential.access_token.reveal() not in repr(found)


@row("X24", "10.1.1")
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://evil.example/o/r", "unknown_host"),
        ("https://git.example.evil.example/o/r", "unknown_host"),
        ("https://code.example/groups/r", "unknown_host"),
        ("https://git.example:8443/o/r", "unknown_host"),
        ("http://git.example/o/r", "bad_request"),
        ("https://ann@git.example/o/r", "bad_request"),
        ("https://git.example/o/../r", "bad_request"),
        ("https://git.example/o\nhost=evil", "bad_request"),
    ],
)
async def test_git_gets_nothing_for_another_host(forges: Stored, url: str, code: str) -> None:
    await forges.sign_in()
    with pytest.raises(CredentialError) as caught:
        await forges.retrieval.for_git(forges.user(), url)
    assert caught.value.code == code


async def test_git_is_told_which_provider_is_to_be_connected(forges: Stored) -> None:
    with pytest.raises(CredentialError) as caught:
        await forges.retrieval.for_git(forges.user(), "https://git.example/o/r")
    assert caught.value.code == "not_connected"
