"""Passkeys: what a browser may answer, and what a forger may not."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from harness.lent import LentForTest
from harness.passkey import SoftPasskey
from hubauth_core import LoginRefused, Request
from hubauth_core.database import Database, ensure
from hubauth_native.factors.passkeys import PasskeyCloned, Passkeys
from hubauth_native.factors.relying_party import relying_party
from hubauth_native.factors.store import FactorRefused, Factors
from hubauth_native.schema import SCHEMA

ANN, BEN = ("local", "ann"), ("local", "ben")
ORIGIN, RP_ID = "https://hub.example", "hub.example"


@dataclass
class Browser:
    """A handler of the hub, with the cookies of one browser."""

    cookies: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    hub: Any = field(default_factory=lambda: SimpleNamespace(base_url="/hub/"))

    def set_signed_cookie(self, name: str, value: str, **_: Any) -> None:
        self.cookies[name] = value

    def get_signed_cookie(self, name: str, **_: Any) -> bytes | None:
        return self.cookies[name].encode() if name in self.cookies else None

    def clear_cookie(self, name: str, **_: Any) -> None:
        self.cookies.pop(name, None)


class Scene:
    """Passkeys in front of a store, and one browser."""

    def __init__(self, database: Database, **options: Any) -> None:
        ensure(database, SCHEMA)
        self.database, core = database, LentForTest()
        self.factors = Factors(core, database, "local")  # type: ignore[arg-type]
        self.passkeys = Passkeys(
            core,  # type: ignore[arg-type]
            database,
            self.factors,
            **{"key": b"k" * 32, "passwordless": True, "title": "JupyterHub", **options},
        )
        self.browser = Browser()

    def challenge(self, browser: Browser | None = None) -> str:
        told = self.passkeys.challenge(browser or self.browser)
        assert told is not None
        text: str = told["challenge"]
        return text

    def request(self, answer: str, browser: Browser | None = None) -> Request:
        return Request(method="POST", form={"passkey": [answer]}, handler=browser or self.browser)

    async def add(self, owner: tuple[str, str] = ANN, **device: Any) -> SoftPasskey:
        passkey = SoftPasskey(ORIGIN, RP_ID, **device)
        handle = self.passkeys.wanted([owner], "ann")["create"]["user"]["id"]
        work = self.passkeys.added(self.request(passkey.made(self.challenge(), handle)), owner, "laptop")
        await self.database.write(work)
        return passkey

    async def code(self, answer: str, **more: Any) -> str:
        """The code of the refusal."""
        with pytest.raises(LoginRefused) as refused:
            await self.passkeys.check(self.request(answer), **more)
        return refused.value.code


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


@pytest.mark.row("M17")
async def test_a_passkey_is_added_and_shown(scene: Scene) -> None:
    passkey = await scene.add(counter=1)
    [stored] = scene.factors.of([ANN], "passkey")
    assert (stored.label, stored.counter) == ("laptop", 1)
    assert [each["transports"] for each in scene.passkeys.known([ANN])] == [["internal"]]
    passkey.counter = 2
    shown = await scene.passkeys.check(scene.request(passkey.shown(scene.challenge())), [ANN])
    assert shown.id == stored.id
    passkey.counter = 3
    assert await scene.passkeys.sign_in(scene.request(passkey.shown(scene.challenge()))) == "ann"
    assert scene.factors.of([ANN])[0].last_used_at is not None


@pytest.mark.row("6.5.1")
@pytest.mark.parametrize("counter", [0, 7])
async def test_an_answer_is_taken_once_also_with_the_cookie_put_back(scene: Scene, counter: int) -> None:
    passkey = await scene.add(counter=counter)
    passkey.counter += bool(counter)
    challenge, kept = scene.challenge(), dict(scene.browser.cookies)
    answer = passkey.shown(challenge)
    await scene.passkeys.check(scene.request(answer))
    assert await scene.code(answer) == "bad_credentials"
    scene.browser.cookies = kept
    assert await scene.code(answer) == "bad_credentials"


async def test_the_challenge_is_of_this_browser_and_of_the_last_minutes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    passkey, other = await scene.add(), Browser()
    answer = passkey.shown(scene.challenge())
    with pytest.raises(LoginRefused):
        await scene.passkeys.check(scene.request(answer, other))
    scene.challenge(other)
    with pytest.raises(LoginRefused):
        await scene.passkeys.check(scene.request(answer, other))

    late = time.time() + 301
    monkeypatch.setattr("hubauth_native.factors.challenges.time.time", lambda: late)
    assert await scene.code(answer) == "bad_credentials"


@pytest.mark.parametrize(
    "client",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://hub.example"},
        {"origin": "https://hub.example:444"},
        {"origin": "https://hub.example.evil.example"},
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
    ],
    ids=str,
)
async def test_an_answer_for_somebody_else_is_refused(scene: Scene, client: dict[str, str]) -> None:
    passkey = await scene.add()
    assert await scene.code(passkey.shown(scene.challenge(), **client)) == "bad_credentials"


@pytest.mark.parametrize(
    "client", [{"origin": "https://evil.example"}, {"type": "webauthn.get"}, {"challenge": "AAAA"}], ids=str
)
def test_nor_is_a_new_passkey_from_there(scene: Scene, client: dict[str, str]) -> None:
    made = SoftPasskey(ORIGIN, RP_ID).made(scene.challenge(), **client)
    with pytest.raises(FactorRefused):
        scene.passkeys.added(scene.request(made), ANN, "")


async def test_another_relying_party_is_refused(scene: Scene) -> None:
    passkey = await scene.add()
    passkey.rp_id = "example"
    assert await scene.code(passkey.shown(scene.challenge())) == "bad_credentials"
    with pytest.raises(FactorRefused):
        scene.passkeys.added(scene.request(passkey.made(scene.challenge())), ANN, "")


async def test_a_forged_signature_and_an_unknown_passkey_are_refused(scene: Scene) -> None:
    passkey, forger = await scene.add(), SoftPasskey(ORIGIN, RP_ID)
    assert await scene.code(forger.shown(scene.challenge())) == "bad_credentials"
    forger.id = passkey.id
    assert await scene.code(forger.shown(scene.challenge())) == "bad_credentials"


async def test_a_passkey_is_its_owners_alone(scene: Scene) -> None:
    passkey = await scene.add()
    assert await scene.code(passkey.shown(scene.challenge()), owners=[BEN]) == "bad_credentials"
    passkey.handle = scene.passkeys.wanted([BEN], "ben")["create"]["user"]["id"]
    assert await scene.code(passkey.shown(scene.challenge())) == "bad_credentials"


async def test_one_credential_is_added_once_by_anybody(scene: Scene) -> None:
    passkey = await scene.add()
    for owner in (ANN, BEN):
        work = scene.passkeys.added(scene.request(passkey.made(scene.challenge())), owner, "")
        with pytest.raises(FactorRefused, match="already"):
            await scene.database.write(work)


@pytest.mark.parametrize(("before", "then"), [(5, 5), (5, 4), (5, 0), (0, 0)])
async def test_a_counter_that_goes_back_is_a_copy(scene: Scene, before: int, then: int) -> None:
    passkey = await scene.add(counter=before)
    passkey.counter = then
    request = scene.request(passkey.shown(scene.challenge()))
    if before == then == 0:
        assert await scene.passkeys.check(request)
        return
    with pytest.raises(PasskeyCloned):
        await scene.passkeys.check(request)


async def test_alone_it_counts_only_where_the_device_has_checked_who_holds_it(scene: Scene, database: Database) -> None:
    passkey = await scene.add(verifies=False)
    assert await scene.passkeys.check(scene.request(passkey.shown(scene.challenge())), [ANN])
    with pytest.raises(LoginRefused):
        await scene.passkeys.sign_in(scene.request(passkey.shown(scene.challenge())))
    passkey.verifies = True
    assert await scene.passkeys.sign_in(scene.request(passkey.shown(scene.challenge()))) == "ann"
    closed = Scene(database, passwordless=False)
    with pytest.raises(LoginRefused):
        await closed.passkeys.sign_in(closed.request(passkey.shown(closed.challenge())))


async def test_a_passkey_of_another_provider_is_no_account_here(scene: Scene) -> None:
    passkey = await scene.add(("github", "42"))
    with pytest.raises(LoginRefused):
        await scene.passkeys.sign_in(scene.request(passkey.shown(scene.challenge())))


def broken(good: str) -> list[str]:
    """What is not quite an answer."""
    told = json.loads(good)
    parts = [
        json.dumps(told | {name: value}) for name in told for value in (None, "", 7, [], {}, "!", "A" * 9000, "\ud800")
    ]
    inner = [
        json.dumps(told | {"response": told["response"] | {name: value}})
        for name in told["response"]
        for value in (7, [], {}, "!", "AAAA", "A" * 9000)
        if not (name in ("userHandle", "transports") and not isinstance(value, str))
    ]
    return ["", "{}", "[]", "null", "1", '"x"', "{", "[" * 16_000, "\0", "x" * 20_000, good[:-9], *parts, *inner]


async def test_whatever_else_is_sent_is_refused_with_a_sentence(scene: Scene) -> None:
    passkey = await scene.add()
    for each in broken(passkey.shown(scene.challenge())):
        scene.challenge()
        with pytest.raises(LoginRefused) as refused:
            await scene.passkeys.check(scene.request(each))
        assert refused.value.sentence
    for each in broken(SoftPasskey(ORIGIN, RP_ID).made(scene.challenge())):
        scene.challenge()
        with pytest.raises(LoginRefused):
            scene.passkeys.added(scene.request(each), ANN, "")
    for form in ({}, {"passkey": []}, {"passkey": ["{}", "{}"]}):
        with pytest.raises(LoginRefused):
            await scene.passkeys.check(Request(method="POST", form=form, handler=scene.browser))


@pytest.mark.parametrize("cookie", ["", "x", "nan AAAA", "1 AAAA", "1e400 AAAA"])
async def test_a_cookie_that_holds_something_else_is_no_challenge(scene: Scene, cookie: str) -> None:
    passkey = await scene.add()
    answer = passkey.shown(scene.challenge())
    scene.browser.cookies = {"hubauth_passkey": cookie}
    assert await scene.code(answer) == "bad_credentials"


@pytest.mark.parametrize(
    ("public_url", "host", "found"),
    [
        ("https://hub.example/hub/", "evil.example", ("hub.example", "https://hub.example")),
        ("https://hub.example:8443/hub/", "", ("hub.example", "https://hub.example:8443")),
        ("https://HUB.example:443/hub/", "", ("hub.example", "https://hub.example")),
        ("https://192.0.2.1/hub/", "localhost:8000", None),
        ("", "localhost:8000", ("localhost", "http://localhost:8000")),
        ("", "127.0.0.1:8000", None),
        ("", "hub.example", None),
        ("", "localhost.evil.example", None),
        ("", "localhost:x", None),
        ("", "[", None),
    ],
)
def test_passkeys_are_for_the_configured_address_or_for_this_machine(
    public_url: str, host: str, found: tuple[str, str] | None
) -> None:
    request = SimpleNamespace(host=host, protocol="http", headers={})
    assert relying_party(public_url, SimpleNamespace(request=request)) == found
