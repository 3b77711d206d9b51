"""Backends of python-social-auth of every kind sign people in on one real hub.

What the sources of OAuth answer is python-social-auth's own: it stands in the test classes of its source distribution.
OpenID 2.0 speaks to python3-openid's own server, OpenID Connect to `oidc-provider`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import RSAKey

from harness import upstream
from harness.browser import Browser, Page
from harness.counterparts import HUB_SECRET, Counterpart
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.openid_server import OpenIDServer
from harness.parts import Require
from harness.saml_idp import SamlIdP
from harness.waiting import until
from harness.wide_world import Asked, Said, World

pytestmark = newest_only

NewBrowser = Callable[[Hub], Browser]

OAUTH2 = {
    "amazon": "test_amazon.AmazonOAuth2Test",
    "dropbox": "test_dropbox.DropboxOAuth2Test",
    "dribbble": "test_dribbble.DribbbleOAuth2Test",
    "facebook": "test_facebook.FacebookOAuth2Test",
    "forge": "test_github.GithubOAuth2Test",
    "microsoft": "test_microsoft.MicrosoftOAuth2Test",
    "patreon": "test_patreon.PatreonOAuth2Test",
    "reddit": "test_reddit.RedditOAuth2Test",
    "slack": "test_slack.SlackOAuth2Test",
    "spotify": "test_spotify.SpotifyOAuth2Test",
    "stackoverflow": "test_stackoverflow.StackoverflowOAuth2Test",
    "strava": "test_strava.StravaOAuthTest",
    "twitch": "test_twitch.TwitchOAuth2Test",
    "x": "test_twitter_oauth2.TwitterOAuth2TestPkceS256",
    "yandex": "test_yandex.YandexOAuth2Test",
}
"""Providers, and the test classes that know what their sources answer."""

OAUTH1 = {
    "flickr": "test_flickr.FlickrOAuth1Test",
    "tumblr": "test_tumblr.TumblrOAuth1Test",
    "twitter": "test_twitter.TwitterOAuth1Test",
    "xing": "test_xing.XingOAuth1Test",
}

FURTHER = {"facebook": {"API_VERSION": "24.0"}, "stackoverflow": {"API_KEY": "api"}}
"""What backends need beside key and secret."""

SPACED = {"amazon": "foo bar", "dropbox": "dbid:aah4f99t0taonib-ourwxbnq6ywgropqngc", "patreon": "john interwebs"}
"""Names from which python-social-auth takes letters away; hubauth leaves them as they are."""

RIGHTS = """
c.JupyterHub.services.append({"name": "reader", "api_token": "token-of-reader"})
c.JupyterHub.load_roles.append(
    {"name": "reader", "scopes": ["custom:hubauth:credentials:read"], "services": ["reader"]}
)
c.JupyterHub.custom_scopes = {"custom:hubauth:credentials:read": {"description": "Read credentials"}}
"""

BOT = "4711:telegram-bot-token"
SP = "https://hub.example/saml"
UID = "urn:oid:1.3.6.1.4.1.5923.1.1.1.13"
APPLE = "https://appleid.apple.com"
TOKEN = "https://github.com/login/oauth/access_token"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The internet: nothing is asked of any other."""
    with World(tmp_path_factory.mktemp("world")).turning() as world:
        yield world


@pytest.fixture(scope="module")
def cases(require: Require) -> dict[str, Any]:
    """python-social-auth's own test classes, by the names of providers here."""
    require("python-social-auth's own tests", upstream.present(), "make parts")
    return {name: upstream.case(case) for name, case in {**OAUTH2, **OAUTH1}.items()}


@pytest.fixture(scope="module")
def apple_key() -> str:
    """What the hub proves to Apple who it is with."""
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode()


@pytest.fixture(scope="module")
def idps() -> dict[str, SamlIdP]:
    """Two sources of SAML."""
    pytest.importorskip("onelogin")
    return {name: SamlIdP(name) for name in ("uni", "college")}


@pytest.fixture
def hub(
    shared_hub: StartHub,
    world: World,
    cases: dict[str, Any],
    idps: dict[str, SamlIdP],
    apple_key: str,
    oidc_provider: Counterpart,
) -> Hub:
    """One hub with a provider for each backend."""
    providers = {name: account(name, case) for name, case in cases.items()}
    providers |= {name: {"type": "social", "allow_all": True, **each} for name, each in others(idps, apple_key).items()}
    providers["brief"] = account("forge", cases["forge"]) | {"settings": {"KEY": "another", "SECRET": "s"}}
    client = {"OIDC_ENDPOINT": oidc_provider.url, "KEY": "hub", "SECRET": HUB_SECRET}
    sso = {"backend": "oidc", "settings": client | {"SCOPE": ["groups", "offline_access"], "PROMPT": "consent"}}
    providers["sso"] = {"type": "social", "allow_all": True, "groups_claim": "groups", **sso}
    section = {"providers": providers, "enable_auth_state": True}
    config = f"c.JupyterHub.authenticator_class = 'hubauth'\nc.HubAuthenticator.update({section!r})\n{RIGHTS}"
    hub = shared_hub(config, environment={**world.environment, "JUPYTERHUB_CRYPT_KEY": "ab" * 32})
    oidc_provider.allow(hub, "sso")
    return hub


def account(name: str, case: Any) -> dict[str, Any]:
    """The configuration of a provider for a test class of the suite."""
    settings = {"KEY": "a-key", "SECRET": "a-secret", **FURTHER.get(name, {})}
    return {"type": "social", "backend": case.backend_path, "settings": settings, "allow_all": True}


def others(idps: Mapping[str, SamlIdP], apple_key: str) -> dict[str, dict[str, Any]]:
    """Providers of further kinds."""
    apple = {"CLIENT": "hub", "TEAM": "team", "KEY": "key", "SECRET": apple_key, "SCOPE": ["name"]}
    enabled = {
        name: {"entity_id": idp.entity_id, "url": idp.url, "x509cert": idp.certificate, "attr_groups": "groups"}
        | {"attr_user_permanent_id": UID, "attr_username": "login"}
        for name, idp in idps.items()
    }
    return {
        "anybody": {"backend": "username", "dangerous_no_proof": True},
        "apple": {"backend": "apple-id", "settings": apple},
        "discourse": {"backend": "discourse", "settings": {"SERVER_URL": "https://talk.example", "SECRET": "talk"}},
        "lastfm": {"backend": "lastfm", "settings": {"KEY": "k", "SECRET": "s"}},
        "livejournal": {"backend": "livejournal"},
        "saml": {"backend": "saml", "settings": {"SP_ENTITY_ID": SP, "ENABLED_IDPS": enabled}},
        "telegram": {"backend": "telegram", "settings": {"BOT_TOKEN": BOT, "BOT_USERNAME": "hub_bot"}},
        "ubuntu": {"backend": "ubuntu"},
    }


def answers_of(world: World, case: Any) -> None:
    """Let the world answer what the suite's test class says."""
    backend = upstream.backend(case)
    world.say(backend.ACCESS_TOKEN_METHOD, backend.ACCESS_TOKEN_URL.format(version="24.0"), case.access_token_body)
    if hasattr(case, "request_token_body"):
        world.say(backend.REQUEST_TOKEN_METHOD, backend.REQUEST_TOKEN_URL, case.request_token_body)
    if case.user_data_url:
        method, address = "POST" if case.user_data_url_post else "GET", case.user_data_url.partition("?")[0]
        world.say(method, address, case.user_data_body, content_type=case.user_data_content_type)


async def come_back(browser: Browser, hub: Hub, name: str, **query: str) -> Page:
    """The browser comes back from a source."""
    address = f"{hub.callback_url(name)}?{urlencode(query)}"
    return await browser.open(address, headers={"Sec-Fetch-Site": "cross-site"})


async def post_back(
    browser: Browser, hub: Hub, name: str, query: Mapping[str, str] | None = None, **fields: str
) -> Page:
    """A page of another site posts to us: the browser keeps our cookies back, and sends what our own page repeats."""
    alone = Browser(hub.url)
    async with alone:
        headers = {"Sec-Fetch-Site": "cross-site"}
        page = await alone.post(hub.callback_url(name), fields, headers=headers, params=query)
        assert not page.response.headers.get_list("set-cookie"), "the browser's own cookies would be lost"
        assert await alone.hub_user() is None
    return await browser.follow(await browser.submit(page.form("/callback")))


def kept_state(page: Page, name: str = "redirect_uri") -> str:
    """The state in the address that a source was given to come back to."""
    return parse_qs(urlsplit(page.query[name]).query)["redirect_state"][0]


@pytest.mark.parametrize("name", OAUTH2)
@pytest.mark.row("V18")
async def test_oauth_2(name: str, hub: Hub, world: World, cases: dict[str, Any], new_browser: NewBrowser) -> None:
    case, browser = cases[name], new_browser(hub)
    answers_of(world, case)
    page = await browser.begin(name)
    assert page.query["redirect_uri"].partition("?")[0] == hub.callback_url(name)
    callback = {"state": page.query["state"], "code": f"code-for-{name}"}
    stranger = await come_back(new_browser(hub), hub, name, **callback)
    assert stranger.status == 400
    after = await come_back(browser, hub, name, **callback)
    expected = SPACED.get(name, case.expected_username.lower())
    assert await browser.hub_user() == f"{name}-{expected}", after.text
    [sent] = [each.fields for each in world.asked if each.fields.get("code") == f"code-for-{name}"]
    digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == page.query["code_challenge"]


@pytest.mark.parametrize("name", OAUTH1)
async def test_oauth_1(name: str, hub: Hub, world: World, cases: dict[str, Any], new_browser: NewBrowser) -> None:
    case, browser = cases[name], new_browser(hub)
    answers_of(world, case)
    page = await browser.begin(name)
    answer = {"redirect_state": kept_state(page), "oauth_token": "foobar", "oauth_verifier": "v"}
    assert (await come_back(new_browser(hub), hub, name, **answer)).status == 400
    after = await come_back(browser, hub, name, **answer)
    assert await browser.hub_user() == f"{name}-{case.expected_username.lower()}", after.text


async def test_openid_connect_with_tokens_and_groups(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("sso")
    assert page.query["nonce"]
    assert page.query["code_challenge_method"] == "S256"
    await browser.sign_in("sso", "alice")
    assert await browser.hub_user() == "sso-alice"
    state = (await hub.user("sso-alice") or {})["auth_state"]
    assert state["subject"] == "alice"
    assert "access_token" not in json.dumps(state["claims"])


@pytest.fixture(scope="module")
def ubuntu(world: World) -> OpenIDServer:
    """Ubuntu's provider, as far as a backend can tell."""
    return OpenIDServer(world, "https://login.ubuntu.com")


async def test_a_credential_is_in_the_vault_and_is_renewed_once(
    hub: Hub, world: World, cases: dict[str, Any], new_browser: NewBrowser
) -> None:
    case, browser = cases["forge"], new_browser(hub)
    answers_of(world, case)
    page = await browser.begin("brief")
    world.say("POST", TOKEN, json.dumps({"access_token": "first", "refresh_token": "r1", "expires_in": 0.01}))
    await come_back(browser, hub, "brief", state=page.query["state"], code="short")
    assert await browser.hub_user() == "brief-foobar"
    world.say("POST", TOKEN, json.dumps({"access_token": "second", "refresh_token": "r2", "expires_in": 7200}))
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(credential(hub, "brief")) for _ in range(5)]
    assert {each.result()["access_token"] for each in answers} == {"second"}
    assert [each.fields.get("refresh_token") for each in world.asked].count("r1") == 1


async def credential(hub: Hub, provider: str) -> dict[str, Any]:
    """What a service gets for somebody."""
    answer = await hub.api("GET", f"/hubauth/users/{provider}-foobar/credentials/{provider}", token="token-of-reader")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_two_providers_of_one_backend_are_two_sources(
    hub: Hub, world: World, cases: dict[str, Any], new_browser: NewBrowser
) -> None:
    browser = new_browser(hub)
    answers_of(world, cases["forge"])
    pages = {name: await browser.begin(name) for name in ("forge", "brief")}
    assert {name: page.query["client_id"] for name, page in pages.items()} == {"forge": "a-key", "brief": "another"}
    crossed = await come_back(browser, hub, "forge", state=pages["brief"].query["state"], code="c")
    assert crossed.status == 400
    assert await browser.hub_user() is None


async def test_openid_2(hub: Hub, ubuntu: OpenIDServer, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("ubuntu")
    back = ubuntu.sign_in(page.query, "https://login.ubuntu.com/+id/aBc123", "ubu")
    assert (await new_browser(hub).open(back)).status == 400
    after = await browser.open(back, headers={"Sec-Fetch-Site": "cross-site"})
    assert await browser.hub_user() == "ubuntu-ubu", after.text
    state = (await hub.user("ubuntu-ubu") or {})["auth_state"]
    assert state["subject"] == "https://login.ubuntu.com/+id/aBc123"


async def test_openid_2_by_post(hub: Hub, ubuntu: OpenIDServer, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("ubuntu")
    back = urlsplit(ubuntu.sign_in(page.query, "https://login.ubuntu.com/+id/posted", "poster"))
    told = {name: values[0] for name, values in parse_qs(back.query).items()}
    fields = {name: value for name, value in told.items() if name.startswith("openid.")}
    query = {name: value for name, value in told.items() if name not in fields}
    after = await post_back(browser, hub, "ubuntu", query, **fields)
    assert await browser.hub_user() == "ubuntu-poster", after.text


async def test_a_backend_that_asks_first(hub: Hub, world: World, new_browser: NewBrowser) -> None:
    server, browser = OpenIDServer(world, "https://frank.livejournal.com"), new_browser(hub)
    page = await browser.begin("livejournal")
    page = await browser.submit(page.form("/auth/livejournal/login"), openid_lj_user="frank")
    back = server.sign_in(page.query, "https://frank.livejournal.com/", "frank")
    after = await browser.open(back, headers={"Sec-Fetch-Site": "cross-site"})
    assert await browser.hub_user() == "livejournal-frank", after.text


async def test_a_backend_that_asks_first_takes_no_other_address(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("livejournal")
    page = await browser.submit(page.form("/auth/livejournal/login"), openid_lj_user="127.0.0.1/?x=")
    assert page.status == 403
    assert "What you typed" in page.text


@pytest.mark.row("M21")
@pytest.mark.parametrize("idp", ["uni", "college"])
async def test_saml(idp: str, hub: Hub, idps: dict[str, SamlIdP], new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("saml")
    assert [each["value"] for each in page.soup.select("select[name=idp] option")] == ["uni", "college"]
    page = await browser.submit(page.form("/auth/saml/login"), idp=idp)
    assert page.location is not None
    assert page.location.startswith(idps[idp].url)
    sent = page.query
    attributes = {UID: ["p-7"], "login": [f"sam-{idp}"], "groups": ["staff"]}
    answer = idps[idp].answer(sent["SAMLRequest"], hub.callback_url("saml"), SP, "n1", **attributes)
    fields = {"SAMLResponse": answer, "RelayState": sent["RelayState"]}
    assert (await post_back(new_browser(hub), hub, "saml", **fields)).status == 400
    after = await post_back(browser, hub, "saml", **fields)
    assert await browser.hub_user() == f"saml-sam-{idp}", after.text
    state = (await hub.user(f"saml-sam-{idp}") or {})["auth_state"]
    assert state["subject"] == f"{idp}:p-7"


@pytest.mark.row("V22")
async def test_saml_takes_only_what_was_asked_for(hub: Hub, idps: dict[str, SamlIdP], new_browser: NewBrowser) -> None:
    browser, victim = new_browser(hub), new_browser(hub)
    said = {UID: ["p-8"], "login": ["mallory"], "groups": []}
    nobody_asked = idps["uni"].answer("", hub.callback_url("saml"), SP, "n2", **said)
    page = await post_back(victim, hub, "saml", SAMLResponse=nobody_asked, RelayState=json.dumps({"idp": "uni"}))
    assert page.status == 400
    ours = (await browser.request("GET", "/hub/auth/saml/login?idp=uni")).query
    theirs = (await victim.request("GET", "/hub/auth/saml/login?idp=uni")).query
    answer = idps["uni"].answer(ours["SAMLRequest"], hub.callback_url("saml"), SP, "n2", **said)
    page = await post_back(victim, hub, "saml", SAMLResponse=answer, RelayState=theirs["RelayState"])
    assert page.status in {400, 403}
    assert await victim.hub_user() is None


@pytest.mark.row("M21")
@pytest.mark.parametrize("fault", ["no signature", "another's signature", "changed"])
async def test_saml_believes_only_what_its_source_has_signed(
    fault: str, hub: Hub, idps: dict[str, SamlIdP], new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = new_browser(hub)
    sent = (await browser.request("GET", "/hub/auth/saml/login?idp=uni")).query
    source = idps["college" if fault == "another's signature" else "uni"]
    monkeypatch.setattr(source, "entity_id", idps["uni"].entity_id)
    monkeypatch.setattr(source, "signs", fault != "no signature")
    said = {UID: ["p-9"], "login": ["mallory"], "groups": []}
    answer = source.answer(sent["SAMLRequest"], hub.callback_url("saml"), SP, "n3", **said)
    if fault == "changed":
        answer = base64.b64encode(base64.b64decode(answer).replace(b"mallory", b"marlene")).decode()
    page = await post_back(browser, hub, "saml", SAMLResponse=answer, RelayState=sent["RelayState"])
    assert page.status in {400, 403, 502}
    assert await browser.hub_user() is None


async def test_saml_metadata(hub: Hub, new_browser: NewBrowser) -> None:
    page = await new_browser(hub).open("/hub/auth/saml/metadata.xml")
    assert page.status == 200
    assert hub.callback_url("saml") in page.html
    assert SP in page.html


async def test_pages_are_those_of_their_backend(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    icon = await browser.open("/hub/auth/ubuntu/icon.svg")
    assert (icon.status, icon.response.headers["Content-Type"]) == (200, "image/svg+xml")
    assert icon.response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    elsewhere = ("anybody/icon.svg", "reddit/metadata.xml", "reddit/telegram?state=s", "telegram/telegram")
    for path in (*elsewhere, "telegram/telegram?state=a&state=b", f"telegram/telegram?state={'s' * 200}"):
        assert (await browser.open(f"/hub/auth/{path}")).status == 404, path


async def test_apple_answers_by_post(hub: Hub, world: World, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("apple")
    assert page.query["response_mode"] == "form_post"
    key = RSAKey.generate_key(2048, {"kid": "apple-1", "alg": "RS256"})
    now = int(time.time())
    claims = {"iss": APPLE, "aud": "hub", "sub": "001.abc", "iat": now, "exp": now + 600}
    token = jwt.encode({"alg": "RS256", "kid": "apple-1"}, claims, key)
    world.say("GET", f"{APPLE}/auth/keys", json.dumps({"keys": [key.as_dict(private=False)]}))
    world.say("POST", f"{APPLE}/auth/token", json.dumps({"access_token": "a", "id_token": token}))
    person = json.dumps({"name": {"firstName": "Ann", "lastName": "Doe"}})
    after = await post_back(browser, hub, "apple", state=page.query["state"], code="c", user=person)
    assert await browser.hub_user() == "apple-001.abc", after.text


async def test_discourse(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("discourse")
    asked = parse_qs(base64.b64decode(page.query["sso"]).decode())
    told = {"nonce": asked["nonce"][0], "external_id": "42", "username": "dora", "email": "dora@talk.example"}
    payload = base64.b64encode(urlencode(told).encode()).decode()
    signed = hmac.new(b"talk", payload.encode(), hashlib.sha256).hexdigest()
    state = parse_qs(urlsplit(asked["return_sso_url"][0]).query)["redirect_state"][0]
    after = await come_back(browser, hub, "discourse", redirect_state=state, sso=payload, sig=signed)
    assert await browser.hub_user() == "discourse-dora", after.text


async def test_telegram(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.open("/hub/auth/telegram/login")
    button = page.soup.select_one("script[data-telegram-login=hub_bot]")
    assert button is not None
    assert "https://telegram.org" in page.response.headers["Content-Security-Policy"]
    assert not [each for each in page.soup.select("main script") if each.string]
    back = str(button["data-auth-url"])
    told = {"id": "77", "first_name": "Tim", "username": "tim", "auth_date": str(int(time.time()))}
    lines = "\n".join(sorted(f"{name}={value}" for name, value in told.items()))
    key = hashlib.sha256(BOT.encode()).digest()
    told["hash"] = hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()
    answer = f"{back}&{urlencode(told)}"
    assert (await new_browser(hub).open(answer)).status == 400
    after = await browser.open(answer, headers={"Sec-Fetch-Site": "cross-site"})
    assert await browser.hub_user() == "telegram-tim", after.text


async def test_what_is_believed_without_proof_has_to_be_wanted(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("anybody")
    page = await browser.follow(await browser.submit(page.form("/auth/anybody/login"), username="nora"))
    assert await browser.hub_user() == "anybody-nora", page.text


async def test_rows_go_with_their_hub_user(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.begin("anybody")
    await browser.submit(page.form("/auth/anybody/login"), username="deleted")
    assert (await hub.user("anybody-deleted")) is not None
    assert "deleted" in accounts(hub)
    assert (await hub.api("DELETE", "/users/anybody-deleted")).status_code == 204
    await until(lambda: "deleted" not in accounts(hub))


def accounts(hub: Hub) -> list[str]:
    """Whom the plugin knows at the provider `anybody`."""
    with contextlib.closing(sqlite3.connect(hub.directory / "hubauth.sqlite")) as store:
        found = store.execute("SELECT uid FROM hubauth_social_accounts WHERE provider = 'anybody'").fetchall()
    return [uid for (uid,) in found]


async def test_what_can_only_be_connected_signs_nobody_in(hub: Hub, world: World, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    assert "/auth/lastfm/" not in (await browser.open("/hub/login")).html
    assert (await browser.begin("lastfm")).status == 403
    await browser.sign_in("sso", "lena")
    page = await browser.open("/hub/connections")
    page = await browser.submit(page.form("/lastfm/connect"))
    back = parse_qs(urlsplit(page.query["cb"]).query)["redirect_state"][0]
    world.say("POST", "https://ws.audioscrobbler.com/2.0/", json.dumps({"session": {"name": "lena-fm", "key": "k"}}))
    page = await come_back(browser, hub, "lastfm", redirect_state=back, token="t")
    assert "Last.fm is connected" in page.text
    assert await browser.hub_user() == "sso-lena"


async def test_a_source_that_hangs_holds_up_nobody_else(
    hub: Hub, world: World, cases: dict[str, Any], new_browser: NewBrowser
) -> None:
    """Eight people wait for one source; everybody else is answered meanwhile. The proxy of the tests takes ten."""
    silent, asked, go = upstream.backend(cases["xing"]), threading.Semaphore(0), threading.Event()

    def hang(_: Asked) -> Said:
        asked.release()
        go.wait(30)
        return Said("nobody", status=503)

    world.says[silent.REQUEST_TOKEN_METHOD, silent.REQUEST_TOKEN_URL] = hang
    answers_of(world, cases["reddit"])
    waiting = [asyncio.create_task(new_browser(hub).begin("xing")) for _ in range(8)]
    try:
        for _ in waiting:
            await asyncio.to_thread(asked.acquire, timeout=30)
        browser = new_browser(hub)
        assert (await browser.open("/hub/health")).status == 200
        page = await browser.begin("reddit")
        after = await come_back(browser, hub, "reddit", state=page.query["state"], code="code-beside-silence")
        assert await browser.hub_user() == "reddit-foobar", after.text
        assert not any(task.done() for task in waiting)
    finally:
        go.set()
    assert {page.status for page in await asyncio.gather(*waiting)} == {503}
