"""Every broken token at a real hub: no session, no hub user, nothing stored, no userinfo asked, one audit event.

What makes each of them broken, and that nothing else does, is tested in `tests/unit/oauth2`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from harness.browser import Browser
from harness.hubs import StartHub, newest_only
from hostile_idp import tokens
from hostile_idp.server import HostileIdP
from hubauth_core import Secret, Transaction
from hubauth_core.transaction import LIFETIME, Seal, cookie_name

from .scene import ABSENT, Rejection, Scene, config

pytestmark = newest_only

Break = Callable[[HostileIdP], object]
AHEAD: Final = time.time() + 10_000
WEAK: Final = tokens.rsa(7, 1024)
PUBLISHED: Final = [
    tokens.public(tokens.rsa()),
    tokens.public(tokens.ec()),
    tokens.public(tokens.rsa(5), use="enc"),
    tokens.public(tokens.rsa(6), alg="PS256"),
    tokens.public(WEAK),
]
"""Sound and useless keys of one provider, all there from the start, because a hub fetches keys rarely."""


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    """A hub of these tests' own: the key set that it keeps must not be another test's."""
    idps["red"].keys = PUBLISHED
    return Scene(shared_hub(config(idps, hook_timeout=29.0)), idps)


@pytest.mark.parametrize("key", [tokens.rsa(), tokens.ec()], ids=["RS256", "ES256"])
async def test_a_sound_token_is_taken(
    scene: Scene, browser: Browser, monkeypatch: pytest.MonkeyPatch, key: tokens.Key
) -> None:
    """Otherwise what follows would say little."""
    monkeypatch.setattr(scene["red"], "key", key)
    scene.person("red", "sound", "sound")
    assert (await scene.sign_in(browser, "red")).status == 302
    assert await browser.hub_user() == "red-sound"


@pytest.mark.row("C34")
@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"code": "stolen"}], ids=["error", "code"])
async def test_an_answer_that_comes_as_a_form_post_shows_a_page_and_signs_nobody_in(
    scene: Scene, browser: Browser, answer: dict[str, str]
) -> None:
    """Nobody asks for `form_post`; whoever sends one all the same gets a page, and the code goes nowhere."""
    page = await scene.leave(browser, "red")
    asked = scene["red"].count("/token")
    form = {**answer, "state": page.query["state"], "error_description": "<script>alert(1)</script>"}
    page = await browser.request("POST", scene.hub.callback_url("red"), data=form)
    assert page.status in {403, 405}
    assert page.soup.title is not None
    assert "alert(1)" not in page.html
    assert await browser.hub_user() is None
    assert scene["red"].count("/token") == asked


def case(row: str, name: str, reason: str, breaks: Break) -> Any:
    return pytest.param(breaks, reason, id=f"{row}-{name}", marks=pytest.mark.row(row))


def claims(**changes: Any) -> Break:
    return lambda idp: idp.claims.update(changes)


def header(**changes: Any) -> Break:
    return lambda idp: idp.header.update(changes)


def mint(make: Callable[[HostileIdP, dict[str, Any], bytes], str]) -> Break:
    """The whole token is made anew, from the header and the payload that a sound one would have."""
    return lambda idp: setattr(idp, "mint", lambda head, said: make(idp, head, json.dumps(said).encode()))


def payload(content: bytes) -> Break:
    return mint(lambda idp, head, _: tokens.signed(head, content, idp.key))


def hmac(secret: bytes) -> Break:
    return mint(lambda idp, head, body: tokens.with_hmac(head, body, secret))


def signed_by(key: tokens.Key, kid: str, algorithm: str = "RS256") -> Break:
    """Signed by a key under the name of a published one, which need not be the same."""
    return mint(lambda idp, head, body: tokens.signed({"alg": algorithm, "kid": kid}, body, key))


def alike(change: Callable[[str], str]) -> Break:
    return lambda idp: idp.claims.update(iss=change(idp.issuer))


def own_key(idp: HostileIdP, head: dict[str, Any], body: bytes) -> str:
    return tokens.signed({**head, "jwk": tokens.public(tokens.rsa(9))}, body, tokens.rsa(9))


def encrypted(idp: HostileIdP, head: dict[str, Any], body: bytes) -> str:
    bomb = tokens.encode(json.dumps({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}).encode())
    return f"{bomb}..{tokens.encode(b'0' * 12)}.{tokens.encode(b'bomb' * 900)}.{tokens.encode(b'0' * 16)}"


LOGOUT: Final = {"http://schemas.openid.net/event/backchannel-logout": {}}
BROKEN: Final = [
    case("C02", "another-issuer", "id_token_issuer", claims(iss="https://evil.example")),
    case("C03", "no-subject", "id_token_subject", claims(sub=ABSENT)),
    case("C04", "another-audience", "id_token_audience", claims(aud="somebody-else")),
    case("C05", "no-audience", "id_token_audience", claims(aud=ABSENT)),
    case("C05", "empty-audience", "id_token_audience", claims(aud=[])),
    case("C06", "no-iat", "id_token_time", claims(iat=ABSENT)),
    case("C10", "unsigned", "id_token_algorithm", mint(lambda idp, head, body: tokens.unsigned(head, body))),
    case("C11", "bad-rs256", "id_token_signature", signed_by(tokens.rsa(8), "rsa-0")),
    case("C12", "bad-es256", "id_token_signature", signed_by(tokens.ec(8), "ec-0", "ES256")),
    case("C13", "client-secret", "id_token_algorithm", hmac(b"canary-secret-of-red")),
    case("C15", "another-nonce", "id_token_nonce", claims(nonce="another")),
    case("X01", "expired", "id_token_expired", claims(exp=1)),
    case("X02", "issued-ahead", "id_token_not_yet", claims(iat=AHEAD)),
    case("X02", "valid-ahead", "id_token_not_yet", claims(nbf=AHEAD)),
    case("X03", "no-exp", "id_token_time", claims(exp=ABSENT)),
    case("X04", "no-nonce", "id_token_nonce", claims(nonce=ABSENT)),
    case("X05", "further-audience", "id_token_audience", claims(aud=["client-of-red", "other"])),
    case("X05", "another-azp", "id_token_audience", claims(azp="other")),
    case("X06", "slash", "id_token_issuer", alike(lambda issuer: f"{issuer}/")),
    case("X06", "case", "id_token_issuer", alike(str.upper)),
    case("X06", "prefix", "id_token_issuer", alike(lambda issuer: issuer[:-1])),
    case("X07", "public-pem", "id_token_algorithm", hmac(tokens.rsa().as_pem(private=False))),
    case("X07", "public-der", "id_token_algorithm", hmac(tokens.rsa().as_der(private=False))),
    case("X08", "key-in-the-token", "id_token_signature", mint(own_key)),
    case("X09", "unknown-crit", "id_token_header", header(crit=["policy"], policy=1)),
    case("X10", "for-encryption", "id_token_signature", signed_by(tokens.rsa(5), "rsa-5")),
    case("X10", "another-algorithm", "id_token_signature", signed_by(tokens.rsa(6), "rsa-6")),
    case("X11", "rsa-1024", "id_token_signature", signed_by(WEAK, "rsa-7")),
    case("X12", "over-64-KiB", "id_token_size", payload(b'{"pad": "' + b"x" * 70_000 + b'"}')),
    case("X12", "nested-1000-deep", "id_token_form", payload(b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}")),
    case("X12", "a-member-twice", "id_token_form", payload(b'{"sub": "7", "sub": "8"}')),
    case("X13", "number", "id_token_subject", claims(sub=7)),
    case("X13", "list", "id_token_subject", claims(sub=["7"])),
    case("X13", "empty", "id_token_subject", claims(sub="")),
    case("X13", "256-characters", "id_token_subject", claims(sub="7" * 256)),
    case("X13", "nul", "id_token_subject", claims(sub="7\0")),
    case("X15", "access-token", "id_token_type", header(typ="at+jwt")),
    case("X15", "logout-token", "id_token_type", claims(events=LOGOUT)),
    case("X16", "of-another-provider", "id_token_issuer", claims(iss="http://blue.example", aud="client-of-blue")),
    case("X25", "mac", "provider_bad_response", lambda idp: idp.tokens.update(token_type="mac")),
    case("X25", "dpop", "provider_bad_response", lambda idp: idp.tokens.update(token_type="DPoP")),
    case("X26", "compressed-and-encrypted", "id_token_form", mint(encrypted)),
]


@pytest.mark.parametrize(("breaks", "reason"), BROKEN)
async def test_a_broken_token_is_rejected(scene: Scene, browser: Browser, breaks: Break, reason: str) -> None:
    scene.person("red", "broken", "broken")
    breaks(scene["red"])
    asked = scene["red"].count("/userinfo")
    async with Rejection(scene, browser, reason):
        page = await scene.sign_in(browser, "red")
    assert page.status in range(400, 500)
    assert scene["red"].count("/userinfo") == asked, "the access token was used"


@pytest.mark.row("C14", "R20")
async def test_userinfo_about_somebody_else_is_rejected(scene: Scene, browser: Browser) -> None:
    scene.person("red", "r20", "robin")
    scene["red"].userinfo = {"sub": "another", "preferred_username": "robin"}
    async with Rejection(scene, browser, "userinfo_subject"):
        page = await scene.sign_in(browser, "red")
    assert page.status in range(400, 500)


@pytest.mark.row("R03", "X17")
async def test_an_answer_after_ten_minutes_is_rejected(scene: Scene, browser: Browser) -> None:
    secret = bytes.fromhex((scene.hub.directory / "jupyterhub_cookie_secret").read_text().strip())
    old = Transaction(
        provider="red",
        state="s" * 43,
        nonce="n" * 43,
        verifier=Secret("v" * 43),
        redirect_uri=scene.hub.callback_url("red"),
        started_at=time.time() - LIFETIME - 1,
        memo={"issuer": scene["red"].issuer},
    )
    browser.client.cookies.set(cookie_name(old.state), Seal(secret).close(old), path="/hub/auth/")
    asked = scene["red"].count("/token")
    async with Rejection(scene, browser, "state_expired"):
        page = await browser.request(
            "GET", f"/hub/auth/red/callback?state={old.state}&code=c&iss={scene['red'].issuer}"
        )
    assert page.status == 400
    assert "too long" in page.text
    assert scene["red"].count("/token") == asked, "the code went out"
