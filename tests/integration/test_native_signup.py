"""Signing up for accounts of the hub's own, over HTTP with real mails: by approval, invitation, domain, or for all."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from harness import hubs
from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub
from harness.smtp import Sink, link_in, sink, text_of

pytestmark = hubs.newest_only
NewBrowser = Callable[[Hub], Browser]
Visitor = Callable[[], Browser]

PASSWORD = "zebra lantern 47 quartz"
TWICE = {"password": PASSWORD, "password_again": PASSWORD}
"""What a browser without scripts asks for."""

LIMITS = {
    kind: dict.fromkeys(("account", "address", "overall"), "10000/s")
    for kind in ("sign_up", "verify", "sign_in", "link")
}
COMMON: dict[str, Any] = {
    "type": "native",
    "argon2_unsafe": True,
    "argon2_memory_cost": 8,
    "argon2_time_cost": 1,
    "limits": LIMITS,
}
PROVIDERS: dict[str, dict[str, Any]] = {
    "local": {
        "signup": "approval",
        "self_approval_domains": ["uni.example"],
        "notify_admins": ["boss@example.org"],
        "notify_every": 0.0,
        "username_prefix": "",
        "admin_users": ["chief"],
        "allowed_users": ["guest-of-honour"],
        "blocked_users": ["banned"],
        "username_map": {"one": "mapped"},
        "adopt": ["older"],
    },
    "open": {"signup": "open", "terms_text": "Be kind.\nAlways.", "terms_version": "2026-01", "ask_email": "no"},
    "invited": {"signup": "invitation"},
    "domain": {"signup": "email_domain", "allowed_email_domains": ["uni.example"]},
    "shut": {"signup": "closed"},
}
REST = """
c.JupyterHub.public_url = HUB_URL + "/"
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.audit_log = "audit.jsonl"
c.Authenticator.admin_users = {"boss"}
c.Authenticator.allowed_users = {"listed"}
c.JupyterHub.load_groups = {"course": {"users": ["in-group"]}}
c.JupyterHub.services += [{"name": "a-service"}, {"name": "keeper", "api_token": "token-of-keeper"}]
c.JupyterHub.load_roles += [
    {"name": "helper", "scopes": ["list:users"], "users": ["with-role"]},
    {"name": "keeping", "scopes": ["custom:hubauth:accounts:manage"], "services": ["keeper"]},
]
"""


def config(post: Sink) -> str:
    providers = {name: COMMON | post.options() | options for name, options in PROVIDERS.items()}
    return f"c.HubAuthenticator.providers = {providers!r}\n{REST}"


@pytest.fixture(scope="session")
def post() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def hub(shared_hub: StartHub, post: Sink) -> Hub:
    """A hub that all tests here share; people are the test's own."""
    return shared_hub(config(post))


@pytest.fixture
def visitor(new_browser: NewBrowser, hub: Hub) -> Visitor:
    """`visitor()`: one more browser that shares nothing with any other."""
    return lambda: new_browser(hub)


def name() -> str:
    """A name that no other test has."""
    return f"p{uuid.uuid4().hex[:10]}"


async def apply(browser: Browser, username: str, where: str = "local", page: Page | None = None, **typed: str) -> Page:
    """Fill the form in, and end up where that leads."""
    page = page or await browser.open(f"/hub/auth/{where}/signup")
    password = typed.get("password", PASSWORD)
    filled = {"username": username, "password": password, "password_again": password} | typed
    return await browser.follow(await browser.submit(page.form(f"/auth/{where}/signup"), **filled))


async def decide(hub: Hub, act: str, *ids: str, **more: str) -> None:
    """Decide as an administrator's program does."""
    url = "/hubauth/providers/local/acts"
    told = {"act": act, "accounts": list(ids), **more}
    answer = await hub.api("POST", url, token="token-of-keeper", json=told)
    assert answer.status_code == 200, answer.text


async def id_of(hub: Hub, username: str) -> str:
    answer = await hub.api("GET", f"/hubauth/providers/local/accounts?q={username}", token="token-of-keeper")
    return str(answer.json()["accounts"][0]["id"])


async def may_sign_in(browser: Browser, username: str, where: str = "local", password: str = PASSWORD) -> str | None:
    """Sign in; who one is then."""
    await browser.sign_in_with_form(where, username, password)
    return await browser.hub_user()


@pytest.mark.row("M02")
async def test_by_approval_from_the_sign_in_page_to_the_hub(hub: Hub, visitor: Visitor, post: Sink) -> None:
    ann, stranger, username = visitor(), visitor(), name()
    page = await ann.open((await ann.open("/hub/login")).link("auth/local/signup"))
    page = await apply(ann, username, page=page, full_name="Ann Bee")
    assert "Your application waits" in page.text
    assert username in page.text
    assert await may_sign_in(stranger, username) is None
    told = await post.mail_to("boss@example.org")
    assert f"{hub.url}/hub/auth/local/users" in text_of(told)
    assert "No application" in (await stranger.open("/hub/auth/local/signup/status")).text

    await decide(hub, "approve", await id_of(hub, username))
    page = await ann.open("/hub/auth/local/signup/status")
    assert "Your account is ready" in page.text
    assert await may_sign_in(ann, username) == username
    user = await hub.user(username)
    assert user is not None
    assert not user["admin"]


async def test_who_is_refused_sees_so_and_comes_in_no_way(hub: Hub, visitor: Visitor, post: Sink) -> None:
    ann, username = visitor(), name()
    address = f"{username}@uni.example"
    page = await apply(ann, username, email=address)
    assert "Check your mail" in page.text
    link = link_in(await post.mail_to(address))
    await decide(hub, "refuse", await id_of(hub, username), reason="no room")
    assert "No application" in (await ann.open("/hub/auth/local/signup/status")).text
    page = await ann.open(link)
    assert (page.status, "This link does not work any more" in page.text) == (410, True)
    assert await may_sign_in(ann, username) is None
    assert "Your application waits" in (await apply(visitor(), username)).text, "the name is free again"


@pytest.mark.row("M03", "S02", "M12", "V30")
async def test_a_proved_address_of_the_domain_opens_the_account_by_a_button(
    hub: Hub, visitor: Visitor, post: Sink
) -> None:
    ann, phone, username = visitor(), visitor(), name()
    address = f"{username}@uni.example"
    await apply(ann, username, email=address)
    link = link_in(await post.mail_to(address))
    assert link.startswith(f"{hub.url}/hub/auth/local/verify?token=")
    for _ in range(2):
        page = await phone.open(link)
        assert page.response.headers["Referrer-Policy"] == "no-referrer"
        assert username in page.text
    assert await may_sign_in(visitor(), username) is None, "a mail scanner's GET proves nothing"
    form = page.form("/verify")
    stolen = await phone.post(form.url, {**form.fields, "_xsrf": "x"})
    assert stolen.status == 403
    for wrong in ("", "a guess"):
        page = await phone.submit(form, password=wrong)
        assert page.status == 403, "another browser, which may be of somebody who asked for nothing"
    assert await may_sign_in(visitor(), username) is None
    page = await phone.follow(await phone.submit(form, password=PASSWORD))
    assert "Your address is confirmed" in page.text
    assert "Your account is ready" in page.text
    assert (await phone.submit(form)).status == 410, "once"
    assert await may_sign_in(ann, username) == username
    assert hub.files_with(link.partition("token=")[2]) == []


async def test_a_proved_address_elsewhere_still_waits_for_an_administrator(
    visitor: Visitor, hub: Hub, post: Sink
) -> None:
    ann, username = visitor(), name()
    address = f"{username}@elsewhere.example"
    await apply(ann, username, email=address)
    page = await ann.open(link_in(await post.mail_to(address)))
    page = await ann.follow(await ann.submit(page.form("/verify")))
    assert "Your application waits" in page.text
    assert address in page.text
    await decide(hub, "approve", await id_of(hub, username))
    told = await post.mail_to(address, "approved")
    assert username in text_of(told)
    assert await may_sign_in(ann, username) == username


async def test_the_letter_is_sent_again_and_ends_the_one_before(visitor: Visitor, post: Sink) -> None:
    ann, username = visitor(), name()
    address = f"{username}@uni.example"
    page = await apply(ann, username, email=address)
    first = link_in(await post.mail_to(address))
    page = await ann.follow(await ann.submit(page.form("/signup/status")))
    assert "another letter" in page.text
    second = link_in(await post.mail_to(address, since=1))
    assert (await ann.open(first)).status == 410
    assert (await ann.open(second)).status == 200
    nothing = await visitor().open("/hub/auth/local/signup/status")
    assert nothing.status == 200


@pytest.mark.row("S03", "6.3.8")
async def test_a_taken_address_is_answered_like_a_free_one_and_its_owner_is_told(visitor: Visitor, post: Sink) -> None:
    olga, owner = visitor(), name()
    address = f"{owner}@uni.example"
    await apply(olga, owner, email=address)
    page = await olga.open(link_in(await post.mail_to(address)))
    await olga.submit(page.form("/verify"))

    seen = []
    for email in (address.upper().replace("UNI.EXAMPLE", "uni.example"), f"{name()}@uni.example"):
        browser, username = visitor(), name()
        page = await browser.open("/hub/auth/local/signup")
        fields = page.form("/signup").fields | TWICE | {"username": username, "email": email}
        answer = await browser.post("/hub/auth/local/signup", fields)
        shown = await browser.follow(answer)
        html = re.sub(r'value="[^"]*"|_xsrf[^,]*|xsrf_token: "[^"]*"', "", shown.html)
        html = html.replace(username, "NAME").replace(email, "ADDRESS")
        cookies = sorted(each.partition("=")[0] for each in answer.response.headers.get_list("set-cookie"))
        seen.append((answer.status, answer.location, cookies, shown.status, html))
    assert seen[0] == seen[1]
    mail = await post.mail_to(address.upper().replace("UNI.EXAMPLE", "uni.example"), "already")
    assert owner in text_of(mail)
    assert "token=" not in text_of(mail)


@pytest.mark.row("V08", "V09", "V38", "V39", "M02")
@pytest.mark.parametrize(
    "taken",
    [
        "boss", "Boss", "ｂｏｓｓ", "b\u043ess", "listed", "chief", "guest-of-honour", "banned", "mapped", "older",
        "in-group", "with-role", "a-service", "harness", "services", "present", "admin", "root", "open-ann", "domain-x",
        "a\u200bb", "x/y", "..", "a@b.example", "id:7", "", "n" * 300, "\0", "🦊",
    ],
)  # fmt: skip
async def test_nobody_signs_up_under_a_name_that_stands_anywhere(hub: Hub, visitor: Visitor, taken: str) -> None:
    if taken == "present":
        await hub.api("POST", "/users/present")
    browser, before = visitor(), await hub.user_names()
    page = await apply(browser, taken, email="")
    assert 400 <= page.status < 500
    assert page.soup.select_one("main [role=alert]") is not None
    assert await may_sign_in(browser, taken) is None
    assert await hub.user_names() == before


@pytest.mark.row("V39")
async def test_behind_a_prefix_a_name_is_another_one(hub: Hub, visitor: Visitor) -> None:
    browser = visitor()
    page = await apply(browser, "boss", "open", terms="2026-01")
    assert "Your account is ready" in page.text
    assert await may_sign_in(browser, "boss", "open") == "open-boss"
    user = await hub.user("open-boss")
    assert user is not None
    assert not user["admin"]


async def test_terms_are_demanded_by_the_server(hub: Hub, visitor: Visitor) -> None:
    browser, username = visitor(), name()
    page = await browser.open("/hub/auth/open/signup")
    assert "Be kind." in page.text
    for ticked in ({}, {"terms": "on"}, {"terms": "2025-12"}):
        refused = await apply(browser, username, "open", **ticked)
        assert refused.status == 403
        alert = refused.soup.select_one("main [role=alert]")
        assert alert is not None
        assert "terms" in alert.text
        box = refused.soup.select_one("input[name=terms]")
        assert box is not None
        assert box["aria-invalid"] == "true"
    assert "Your account is ready" in (await apply(browser, username, "open", terms="2026-01")).text


@pytest.mark.row("6.2.1", "6.2.6", "6.2.11")
async def test_what_was_typed_is_still_there_but_for_the_password(visitor: Visitor) -> None:
    page = await apply(visitor(), "Zoe", full_name="Zoe <Q>", email="zoe@example.org", password="short")
    typed = {str(each["name"]): str(each.get("value", "")) for each in page.soup.select("main input[name]")}
    assert (typed["username"], typed["full_name"], typed["email"]) == ("Zoe", "Zoe <Q>", "zoe@example.org")
    field = page.soup.select_one("main input[name=password]")
    assert field is not None
    assert (field["type"], field.get("value"), field["aria-invalid"]) == ("password", None, "true")


async def test_two_passwords_that_differ_make_no_account(visitor: Visitor) -> None:
    browser, username = visitor(), name()
    page = await apply(browser, username, password_again=f"{PASSWORD} ")
    assert page.status == 403
    assert "differ" in page.text
    assert "Your application waits" in (await apply(browser, username, password_again=PASSWORD)).text


BAD = [
    {"username": b"\xff\xfe"},
    {"full_name": b"\xff"},
    {"email": b"\xff@example.org"},
    {"password": b"\xff" * 20},
    {"invitation": b"\xff"},
    {"form": b"\xff"},
    {"username": "n" * 10_000},
    {"full_name": "n" * 10_000},
    {"email": "n" * 10_000},
    {"password": "p" * 10_000},
    {"password": "p" * 1_000_000},
    {"username": "a\0b"},
    {"email": "a\0@example.org"},
    {"full_name": "\u202ecod.exe"},
    {"invitation": "x" * 43},
    {"invitation": "x" * 5_000},
    {"terms": "x" * 5_000},
    {"username": ["one", "two"]},
    {"password": ["one", "two"]},
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{next(iter(bad))}-{str(next(iter(bad.values())))[:12]}")
async def test_bad_input_is_a_clear_page_and_nothing_half_made(hub: Hub, visitor: Visitor, bad: dict[str, Any]) -> None:
    browser, username = visitor(), name()
    form = (await browser.open("/hub/auth/local/signup")).form("/signup")
    fields = form.fields | TWICE | {"username": username} | bad
    sent = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    page = Page(await browser.client.post(form.url, content=urlencode(fields, doseq=True), headers=sent))
    assert 400 <= page.status < 500, page.text
    assert page.soup.select_one("main [role=alert], main .error") is not None, page.text
    assert "Your application waits" in (await apply(visitor(), username)).text, "the name is free"


async def test_missing_fields_are_a_clear_page(visitor: Visitor) -> None:
    browser = visitor()
    form = (await browser.open("/hub/auth/local/signup")).form("/signup")
    page = await browser.post(form.url, {"_xsrf": form.fields["_xsrf"]})
    assert page.status == 403
    assert "Choose a username" in page.text
    assert (await browser.post(form.url, {})).status == 403
    assert (await browser.post("/hub/auth/local/verify", {"_xsrf": browser.xsrf})).status == 410
    assert (await browser.open("/hub/auth/local/verify")).status == 410
    assert (await browser.open("/hub/auth/local/verify?token=%ff")).status == 400
    assert (await browser.open("/hub/auth/local/invite?token=a&token=b")).status == 410


async def test_a_double_click_makes_one_account(hub: Hub, visitor: Visitor) -> None:
    browser, username = visitor(), name()
    form = (await browser.open("/hub/auth/local/signup")).form("/signup")
    sent = (browser.submit(form, username=username, **TWICE) for _ in range(4))
    ends = await asyncio.gather(*sent)
    assert {(each.status, each.location) for each in ends} == {(303, f"{hub.url}/hub/auth/local/signup/status")}
    other = await apply(visitor(), username)
    assert other.status in {403, 409}
    assert "taken" in other.text


@pytest.mark.row("M02")
async def test_where_sign_up_is_closed_there_is_no_way_in(visitor: Visitor) -> None:
    browser = visitor()
    for where in ("shut", "invited"):
        page = await browser.open(f"/hub/auth/{where}/signup")
        assert (page.status, "You cannot sign up here" in page.text) == (403, True)
        fields = {"_xsrf": browser.xsrf, "username": name(), "password": PASSWORD}
        assert (await browser.post(f"/hub/auth/{where}/signup", fields)).status == 403
        with pytest.raises(LookupError):
            (await browser.open("/hub/login")).link(f"auth/{where}/signup")


async def invite(hub: Hub, **wanted: Any) -> dict[str, Any]:
    """Invite somebody as an administrator's program does."""
    url = "/hubauth/providers/invited/invitations"
    answer = await hub.api("POST", url, token="token-of-keeper", json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.row("M02")
async def test_an_invitation_leads_to_an_account_once(hub: Hub, visitor: Visitor) -> None:
    link = (await invite(hub))["link"]
    ann, ben, username = visitor(), visitor(), name()
    page = await ann.open(link)
    assert (await apply(ann, "", "invited", page)).status == 403, "a mistake costs nothing"
    page = await apply(ann, username, "invited", await ann.open(link))
    assert "Your account is ready" in page.text
    assert await may_sign_in(ann, username, "invited") == f"invited-{username}"
    assert (await ben.open(link)).status == 410


@pytest.mark.row("M02", "M03")
async def test_an_invitation_by_mail_proves_its_address(hub: Hub, visitor: Visitor, post: Sink) -> None:
    ann, username = visitor(), name()
    address = f"{username}@example.org"
    assert not (await invite(hub, email=address)).get("link"), "only the mailbox has it"
    page = await ann.open(link_in(await post.mail_to(address, "invited")))
    assert address in page.text
    page = await apply(ann, username, "invited", page)
    assert "Your account is ready" in page.text
    await ann.sign_out()
    assert await may_sign_in(ann, address, "invited") == f"invited-{username}", "it is a way to say who one is"


@pytest.mark.row("M02")
async def test_only_the_domain_signs_up_where_it_decides(visitor: Visitor, post: Sink) -> None:
    browser, username = visitor(), name()
    for email in ("", "a@uni.example.evil.example", "a@sub.uni.example"):
        assert (await apply(browser, username, "domain", email=email)).status in {400, 403}
    address = f"{username}@uni.example"
    await apply(browser, username, "domain", email=address)
    page = await browser.open(link_in(await post.mail_to(address)))
    page = await browser.follow(await browser.submit(page.form("/verify")))
    assert "Your account is ready" in page.text
    assert await may_sign_in(browser, username, "domain") == f"domain-{username}"


async def test_everything_stands_in_the_audit_trail_without_a_secret(hub: Hub, visitor: Visitor, post: Sink) -> None:
    browser, username = visitor(), name()
    address = f"{username}@uni.example"
    await apply(browser, username, email=address)
    link = link_in(await post.mail_to(address))
    page = await browser.open(link)
    await browser.submit(page.form("/verify"))
    lines = [each for each in (hub.directory / "audit.jsonl").read_text().splitlines() if username in each]
    kinds = [re.findall(r'"kind": "(\w+)"', each)[0] for each in lines]
    assert kinds == ["account_created", "email_verified", "account_approved"]
    assert hub.files_with(PASSWORD) == []
