"""Second factors on a real hub: added, asked for, lost, taken away; passkeys; other providers; what strangers send."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyotp
import pytest

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.mail_scene import NAME, PASSWORD, MailScene
from harness.passkey import SoftPasskey
from harness.smtp import Sink, sink, text_of
from hostile_idp.server import HostileIdP
from hubauth_native.accounts import Accounts

from .native_hub import config
from .scene import Scene

pytestmark = newest_only
NewBrowser = Callable[[Hub], Browser]
KEYS = {"JUPYTERHUB_CRYPT_KEY": "5a" * 32}
MANY = {"account": "100000/m", "address": "100000/m", "overall": "100000/m"}
LIMITS = dict.fromkeys(("sign_in", "second_factor", "password"), MANY)
LOGIN = f"/hub/auth/{NAME}/login"
SECURITY = f"/hub/auth/{NAME}/security"
HERE = "c.JupyterHub.public_url = HUB_URL.replace('127.0.0.1', 'localhost')\n"
"""Passkeys are for names, not for numbers."""


@pytest.fixture(scope="session")
def mails() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def scene(shared_hub: StartHub, mails: Sink) -> MailScene:
    return MailScene(shared_hub(config(mails, limits=LIMITS) + HERE, environment=KEYS), mails)


@pytest.fixture
def strict(shared_hub: StartHub) -> MailScene:
    """A hub that wants a second factor of everybody."""
    options: dict[str, Any] = {"second_factor": "required", "limits": LIMITS}
    return MailScene(shared_hub(config(None, **options) + HERE, environment=KEYS))


def name() -> str:
    return f"p{uuid.uuid4().hex[:10]}"


class Person:
    """Somebody with a browser, an app and recovery codes."""

    def __init__(self, scene: MailScene, browser: Browser, username: str) -> None:
        self.scene, self.browser, self.username = scene, browser, username
        self.secret, self.codes, self.used = "", [""], ""

    def code(self, ahead: int = 0) -> str:
        """What the app shows, or will show in so many steps."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + ahead * 30)

    def note(self, page: Page) -> None:
        """Scan what a page shows, and write the recovery codes down."""
        self.secret = page.soup.select_one(".native-secret").get_text().replace(" ", "")  # type: ignore[union-attr]
        self.codes = [each.get_text() for each in page.soup.select(".native-codes code")]
        assert page.soup.select_one("svg.native-qr")

    async def act(self, act: str, **fields: str) -> Page:
        """Press a button of the page about security."""
        await self.browser.open(SECURITY)
        return await self.browser.post(SECURITY, {"_xsrf": self.browser.xsrf, "act": act, **fields})

    async def add_app(self, **proof: str) -> Page:
        page = await self.act("add", **(proof or {"password": PASSWORD}))
        self.note(page)
        self.used = self.code()
        page = await self.browser.submit(page.form("security"), code=self.used, label="phone")
        return await self.browser.follow(page)


@pytest.fixture
async def ann(scene: MailScene, new_browser: NewBrowser) -> Person:
    """Somebody who is signed in."""
    username, browser = name(), new_browser(scene.hub)
    scene.add(username)
    await scene.enter(browser, username)
    return Person(scene, browser, username)


async def step(scene: MailScene, browser: Browser, username: str) -> Page:
    """The page after the right password."""
    page = await scene.sign_in(browser, username)
    assert page.status == 200
    assert await browser.hub_user() is None
    return page


@pytest.mark.row("M17", "6.5.1", "V09")
async def test_an_app_is_added_and_asked_for_and_a_code_works_once(ann: Person, new_browser: NewBrowser) -> None:
    page = await ann.add_app()
    assert "phone" in page.text
    assert "10 recovery codes left" in page.text

    other = new_browser(ann.scene.hub)
    page = await step(ann.scene, other, ann.username)
    field = page.soup.select_one("input[name=code]")
    assert field
    assert (field["autocomplete"], field["inputmode"]) == ("one-time-code", "numeric")
    page = await other.submit(page.form("login"), code=ann.used)
    assert page.status == 403
    assert "used already" in page.text
    page = await other.submit(page.form("login"), code="")
    assert (page.status, await other.hub_user()) == (403, None)
    page = await other.follow(await other.submit(page.form("login"), code=ann.code(1)))
    assert await other.hub_user() == ann.username
    kinds = [each["kind"] for each in ann.scene.events() if each.get("username") == ann.username]
    assert {"factor_added", "second_factor_failed"} <= set(kinds)


@pytest.mark.row("6.5.1", "6.5.2", "6.3.7")
async def test_a_recovery_code_works_once_and_the_owner_is_told(
    ann: Person, new_browser: NewBrowser, mails: Sink
) -> None:
    await ann.add_app()
    address = f"{ann.username}@people.test"
    assert "authenticator app was added" in text_of(await mails.mail_to(address, "sign-in of"))
    for expected in (ann.username, None):
        other = new_browser(ann.scene.hub)
        page = await step(ann.scene, other, ann.username)
        fields = dict(page.form("login").fields) | {"use": "recovery"}
        page = await other.post(LOGIN, fields)
        assert "Recovery code" in page.text
        await other.submit(page.form("login"), code=ann.codes[0])
        assert await other.hub_user() == expected
    assert "9 left" in text_of(await mails.mail_to(address, "recovery code"))
    for secret in (ann.secret, *ann.codes, *(code.replace("-", "") for code in ann.codes)):
        assert ann.scene.hub.files_with(secret) == []


@pytest.mark.row("6.3.3")
async def test_where_everybody_needs_one_there_is_no_way_round(strict: MailScene, new_browser: NewBrowser) -> None:
    username, browser = name(), new_browser(strict.hub)
    strict.add(username)
    bob = Person(strict, browser, username)
    page = await step(strict, browser, username)
    bob.note(page)
    assert len(bob.codes) == 10
    for typed in ({}, {"code": ""}, {"code": "000000", "proposal": "x"}, {"use": "recovery"}, {"code": bob.codes[0]}):
        page = await browser.submit(page.form("login"), **typed)  # type: ignore[arg-type]
        assert await browser.hub_user() is None
        assert (await browser.open("/hub/home")).path == "/hub/login"
        page = await step(strict, browser, username)
    bob.note(page)
    page = await browser.follow(await browser.submit(page.form("login"), code=bob.code()))
    assert await browser.hub_user() == username
    page = await browser.open(SECURITY)
    factor = str(page.soup.select_one("input[name=id]")["value"])  # type: ignore[index]
    page = await bob.act("remove", id=factor, password=PASSWORD)
    assert "need a second factor" in page.text
    assert await browser.hub_user() == username


@pytest.mark.row("6.4.3")
async def test_a_forgotten_password_does_not_go_round_the_second_factor(
    ann: Person, new_browser: NewBrowser, mails: Sink
) -> None:
    await ann.add_app()
    other = new_browser(ann.scene.hub)
    page = await other.open(ann.scene.path("forgotten"))
    await other.submit(page.form("forgotten"), who=ann.username)
    mail = await mails.mail_to(f"{ann.username}@people.test", "new password")
    link = next(word for word in text_of(mail).split() if "token=" in word).replace("localhost", "127.0.0.1")
    page = await other.open(link)
    page = await other.follow(await other.submit(page.form("reset"), password="an entirely other walk"))
    assert await other.hub_user() is None
    page = await ann.scene.sign_in(other, ann.username, "an entirely other walk")
    assert (page.status, await other.hub_user()) == (200, None)
    await other.submit(page.form("login"), code=ann.code(1))
    assert await other.hub_user() == ann.username


# The page about one's own.


@pytest.mark.row("6.4.4", "M06")
async def test_a_change_wants_a_recent_sign_in_and_a_proof(ann: Person) -> None:
    page = await ann.act("add")
    assert "Is that you?" in page.text
    page = await ann.browser.submit(page.form("security"), password="wrong")
    assert ann.scene.account(ann.username).failures == 1, "counts like a wrong password at the sign-in (row P10)"
    assert page.status == 403
    assert "not right" in page.text
    page = await ann.browser.submit(page.form("security"), password=PASSWORD)
    assert ann.scene.account(ann.username).failures == 0
    assert "Add a second factor" in page.text
    await ann.add_app()
    page = await ann.browser.open(SECURITY)
    factor = str(page.soup.select_one("input[name=id]")["value"])  # type: ignore[index]
    for act in ("remove", "codes", "add"):
        assert "Is that you?" in (await ann.act(act, id=factor)).text
    page = await ann.act("codes", code=ann.codes[1])
    assert len(set(page.soup.select(".native-codes code"))) == 10, "a factor that one has is a proof, too"

    ann.browser.client.cookies.delete("hubauth_recent")
    for act in ("add", "codes", "remove", "rename", "end_sessions"):
        page = await ann.act(act, password=PASSWORD)
        assert page.status == 403
        assert "signed in too long ago" in page.text


@pytest.mark.row("6.5.6", "6.3.7")
async def test_a_factor_is_renamed_and_removed(ann: Person, new_browser: NewBrowser, mails: Sink) -> None:
    page = await ann.add_app()
    factor = page.soup.select_one("input[name=id]")["value"]  # type: ignore[index]
    page = await ann.browser.follow(await ann.act("rename", id=str(factor), label="  my <b>old</b>  phone "))
    assert "my <b>old</b> phone" in page.text
    assert (await ann.act("rename", id=str(factor), label="x" * 65)).status == 403
    page = await ann.browser.follow(await ann.act("remove", id=str(factor), password=PASSWORD))
    assert "nobody gets in with your password alone" in page.text
    assert "was removed" in text_of(await mails.mail_to(f"{ann.username}@people.test", "sign-in of", since=1))
    assert (await ann.act("remove", id=str(factor), password=PASSWORD)).status == 404
    other = new_browser(ann.scene.hub)
    await ann.scene.enter(other, ann.username)


async def test_nobody_changes_the_factors_of_another(ann: Person, new_browser: NewBrowser) -> None:
    page = await ann.add_app()
    factor = str(page.soup.select_one("input[name=id]")["value"])  # type: ignore[index]
    username, browser = name(), new_browser(ann.scene.hub)
    ann.scene.add(username)
    await ann.scene.enter(browser, username)
    mallory = Person(ann.scene, browser, username)
    assert (await mallory.act("remove", id=factor, password=PASSWORD)).status == 404
    await mallory.act("rename", id=factor, label="mine")
    assert "phone" in (await ann.browser.open(SECURITY)).text


@pytest.mark.row("7.4.3")
async def test_who_changes_a_factor_may_end_all_other_sessions(ann: Person, new_browser: NewBrowser) -> None:
    other = new_browser(ann.scene.hub)
    await ann.scene.enter(other, ann.username)
    page = await ann.add_app()
    assert "end your other sessions" in page.text
    page = await ann.browser.follow(await ann.act("end_sessions"))
    assert "has ended" in page.text
    assert await other.hub_user() is None
    assert await ann.browser.hub_user() == ann.username
    assert (await ann.act("codes", password=PASSWORD)).status == 200, "and still signed in lately"


async def test_the_page_is_for_people_whose_sign_ins_ask_for_what_is_kept_there(
    scene: MailScene, new_browser: NewBrowser
) -> None:
    visitor = new_browser(scene.hub)
    assert (await visitor.open(SECURITY)).path == "/hub/login"
    assert (await visitor.post(SECURITY, {"_xsrf": visitor.xsrf, "act": "add"})).status == 403
    assert (await visitor.request("POST", SECURITY, data={"act": "add"})).status == 403


# Passkeys.


class Device(SoftPasskey):
    """A passkey at the address of a hub."""

    @classmethod
    def at(cls, hub: Hub, **more: Any) -> Device:
        return cls(hub.url.replace("127.0.0.1", "localhost"), "localhost", **more)

    async def challenge(self, browser: Browser) -> str:
        if not browser.xsrf:
            await browser.open("/hub/login")
        page = await browser.post(f"/hub/auth/{NAME}/passkeys/challenge", {"_xsrf": browser.xsrf})
        told = page.response.json()
        assert told["rp"]["id"] == "localhost"
        challenge: str = told["challenge"]
        return challenge


async def add_passkey(person: Person, **more: Any) -> Device:
    device, browser = Device.at(person.scene.hub, **more), person.browser
    page = await person.act("add", password=PASSWORD)
    person.note(page)
    data = json.loads(str(page.soup.select_one("[data-passkey]")["data-passkey"]))  # type: ignore[index]
    made = device.made(await device.challenge(browser), data["create"]["user"]["id"])
    page = await browser.follow(await browser.submit(page.form("security"), passkey=made, code="", label="laptop"))
    assert "laptop" in page.text, page.text
    return device


async def by_passkey(browser: Browser, device: Device, **fields: str) -> Page:
    """Press the button of the sign-in page."""
    challenge = await device.challenge(browser)
    return await browser.post(LOGIN, {"_xsrf": browser.xsrf, "passkey": device.shown(challenge), **fields})


@pytest.mark.row("M17")
async def test_a_passkey_is_a_second_factor_and_a_way_in_by_itself(ann: Person, new_browser: NewBrowser) -> None:
    device = await add_passkey(ann)
    other = new_browser(ann.scene.hub)
    page = await step(ann.scene, other, ann.username)
    assert json.loads(str(page.soup.select_one("[data-passkey]")["data-passkey"]))["allow"]  # type: ignore[index]
    shown = device.shown(await device.challenge(other))
    assert (await other.submit(page.form("login"), passkey=shown, code="")).status == 302
    assert await other.hub_user() == ann.username

    alone = new_browser(ann.scene.hub)
    page = await alone.open("/hub/login")
    assert page.soup.select_one("button[name=use][value=passkey][hidden]")
    page = await by_passkey(alone, device, next="/hub/token")
    assert page.location
    assert page.location.endswith("/hub/token")
    assert await alone.hub_user() == ann.username


async def test_who_may_not_sign_in_may_not_by_passkey(ann: Person, new_browser: NewBrowser) -> None:
    device = await add_passkey(ann)
    unknown = await by_passkey(new_browser(ann.scene.hub), Device.at(ann.scene.hub))
    database = ann.scene.database()
    account = ann.scene.account(ann.username)
    database.write_now(lambda connection: Accounts(database, NAME).change(connection, account.id, status="inactive"))
    database.close()
    other = new_browser(ann.scene.hub)
    page = await by_passkey(other, device)
    assert (page.status, unknown.status) == (403, 403)
    assert await other.hub_user() is None


async def test_a_passkey_that_counts_back_is_refused_and_its_owner_told(
    ann: Person, new_browser: NewBrowser, mails: Sink
) -> None:
    device, other = await add_passkey(ann, counter=5), new_browser(ann.scene.hub)
    page = await step(ann.scene, other, ann.username)
    device.counter = 4
    page = await other.submit(page.form("login"), passkey=device.shown(await device.challenge(other)), code="")
    assert (page.status, await other.hub_user()) == (403, None)
    assert "may be a copy" in text_of(await mails.mail_to(f"{ann.username}@people.test", "passkey"))
    assert ann.scene.events("second_factor_failed")[-1]["reason"] == "passkey_counter"


async def test_what_strangers_send_in_place_of_a_passkey_is_refused(ann: Person, new_browser: NewBrowser) -> None:
    device, other = await add_passkey(ann), new_browser(ann.scene.hub)
    answered = device.shown(await device.challenge(other))
    kept = other.client.cookies.get("hubauth_passkey")
    bad = [
        "{}", "null", "[" * 9000, "\0", "\ud83d", "x" * 16_000, "x" * 20_000, answered[:-5],
        device.shown(await device.challenge(new_browser(ann.scene.hub))),
        device.shown("AAAA"),
    ]  # fmt: skip
    for each in bad:
        page = await other.post(LOGIN, {"_xsrf": other.xsrf, "passkey": each.encode("utf-8", "replace").decode()})
        assert 400 <= page.status < 500, each[:50]
        assert page.soup.select_one("[role=alert]")
        await device.challenge(other)
    device.origin = "https://evil.example"
    assert (await by_passkey(other, device)).status == 403
    assert await other.hub_user() is None
    assert kept
    for data in (
        {"act": ""},
        {"act": "x"},
        {"act": "confirm", "proposal": "\0"},
        {"act": "confirm", "proposal": "x" * 5000},
    ):
        page = await ann.act(**data)
        assert 400 <= page.status < 500
    page = await ann.browser.post(SECURITY, {"_xsrf": ann.browser.xsrf, "act": ["add", "codes"]})  # type: ignore[dict-item]
    assert page.status == 400
    assert (await ann.act("add", password="x" * 20_000)).status == 400
    raw = f"_xsrf={ann.browser.xsrf}&act=add&password=%ff%fe".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    assert (await ann.browser.request("POST", SECURITY, content=raw, headers=headers)).status == 400
    page = await other.request("POST", f"/hub/auth/{NAME}/passkeys/challenge")
    assert page.status == 403


# People of other providers.


@pytest.mark.row("M17")
async def test_people_of_another_provider_add_a_factor_and_are_asked_for_it(
    shared_hub: StartHub, idps: dict[str, HostileIdP], new_browser: NewBrowser
) -> None:
    red = {
        "type": "oidc",
        "issuer": idps["red"].issuer,
        "client_id": "client-of-red",
        "client_secret": "canary-secret-of-red",
        "allow_all": True,
    }
    text = config(None, others={"red": red}, second_factor_for=["red"], limits=LIMITS)
    hub = shared_hub(text, environment=KEYS)
    scene, browser, who = Scene(hub, idps), new_browser(hub), name()
    scene.person("red", who, who)
    await scene.sign_in(browser, "red")
    person = Person(MailScene(hub), browser, f"red-{who}")
    assert await browser.hub_user() == person.username
    page = await person.add_app(nothing="")
    assert "phone" in page.text

    other = new_browser(hub)
    scene.person("red", who, who)
    page = await scene.sign_in(other, "red")
    assert (page.status, await other.hub_user()) == (200, None)
    page = await other.submit(page.form("red/login"), code=person.used)
    assert "used already" in page.text
    await other.submit(page.form("red/login"), code=person.code(1))
    assert await other.hub_user() == person.username
    assert f"red:{who}" in [each["subject"] for each in scene.events() if each["kind"] == "second_factor_failed"]
    scene.person("red", who, who, amr=["mfa"])
    third = new_browser(hub)
    await scene.sign_in(third, "red")
    assert await third.hub_user() == person.username


# What stops the start.


def test_a_factor_that_nobody_could_add_stops_the_start(make_hub: Callable[..., Hub]) -> None:
    log = make_hub(config(None, second_factor="required")).start_and_fail()
    assert "nobody can add a second factor" in log
    assert "c.CryptKeeper.keys" in log
