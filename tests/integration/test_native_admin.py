"""Who looks after accounts of the hub's own, by page and by REST: what they may, and what it does at once."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.mail_scene import PASSWORD
from harness.waiting import until
from hubauth_native.accounts import Account

from .described import schemathesis
from .native_scene import TEXT, Staffed, as_staff

NewBrowser = Callable[[Hub], Browser]
USERS = "/hub/auth/local/users"


@pytest.fixture
def scene(shared_hub: StartHub) -> Staffed:
    """A hub that other tests use too; people are the test's own."""
    return Staffed(shared_hub(TEXT))


@pytest.fixture
async def boss(new_browser: NewBrowser, scene: Staffed) -> Browser:
    """An administrator who has just signed in."""
    return await as_staff(new_browser(scene.hub), "boss")


def name(kind: str = "p") -> str:
    """A name that no other test has."""
    return f"{kind}{uuid.uuid4().hex[:8]}"


async def post(browser: Browser, act: str, *accounts: Account, path: str = USERS, **fields: str) -> Page:
    """Send a form of the list."""
    await browser.open("/hub/home")
    data: dict[str, Any] = {"_xsrf": browser.xsrf, "act": act, "id": [each.id for each in accounts], **fields}
    return await browser.post(path, data)


async def token_works(scene: Staffed, token: str) -> bool:
    return (await scene.hub.api("GET", "/user", token=token)).status_code == 200


async def pupil(scene: Staffed, browser: Browser) -> Account:
    """The account of somebody in the group of the course, who has signed in."""
    if not scene.has("pupil"):
        scene.add("pupil", vouched=True)
    await scene.enter(browser, "pupil")
    return scene.account("pupil")


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and slug; nothing of ours is ever kept."""
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"]


# Who may.


@pytest.mark.row("V12", "M23")
async def test_every_caller_gets_what_its_scopes_say(scene: Staffed, new_browser: NewBrowser) -> None:
    of_course = (await pupil(scene, new_browser(scene.hub))).id
    allowed = {
        "keeper": "list one pupil act create invitations",
        "users": "list one pupil act create invitations",
        "watcher": "list one pupil",
        "tutor": "pupil",
        "nobody": "",
        "": "",
        "x" * 32: "",
    }
    found = {}
    for token in allowed:
        other = scene.add(name()).id
        asked = {
            "list": ("GET", "accounts", None),
            "one": ("GET", f"accounts/{other}", None),
            "pupil": ("GET", f"accounts/{of_course}", None),
            "act": ("POST", "acts", {"act": "deactivate", "accounts": [other]}),
            "create": ("POST", "accounts", {"username": name()}),
            "invitations": ("GET", "invitations", None),
        }
        answers = {each: await scene.ask(method, path, token, body) for each, (method, path, body) in asked.items()}
        found[token] = " ".join(each for each, answer in answers.items() if answer.is_success)
        refused = {answer.status_code for answer in answers.values() if not answer.is_success}
        assert refused <= {403, 404}, token
        inactive = "act" in found[token]
        assert scene.rows("SELECT status FROM hubauth_native_accounts WHERE id = ?", other) == [
            ("inactive" if inactive else "active",)
        ]
    assert found == allowed


@pytest.mark.row("V12")
async def test_a_filtered_right_is_good_for_those_people_alone(scene: Staffed, new_browser: NewBrowser) -> None:
    of_course, other = await pupil(scene, new_browser(scene.hub)), scene.add(name())
    assert (await scene.act("end_sessions", of_course.id, token="tutor")).status_code == 200
    assert error(await scene.act("end_sessions", other.id, token="tutor")) == (404, "not_found")
    tutor = await as_staff(new_browser(scene.hub), "tutor")
    assert (await tutor.open(f"{USERS}/{of_course.id}")).status == 200
    assert (await tutor.open(f"{USERS}/{other.id}")).status == 404
    assert (await tutor.open(f"{USERS}?q=pupil")).path == f"{USERS}/{of_course.id}"
    unseen, unknown = [await tutor.open(f"{USERS}?q={each}") for each in (other.username, name())]
    assert "There is no such account, or you may not see it" in unseen.text
    assert other.id not in unseen.html
    assert (unseen.status, len(unseen.html)) == (unknown.status, len(unknown.html))
    assert (await post(tutor, "deactivate", other, sure="yes")).status == 404


@pytest.mark.row("V12")
async def test_who_only_manages_accounts_gets_no_further(
    scene: Staffed, boss: Browser, new_browser: NewBrowser
) -> None:
    chief, plain = scene.add(name("chief"), admin=True), scene.add(name())
    named = scene.account("principal") if scene.has("principal") else scene.add("principal")
    in_role = scene.account("dean") if scene.has("dean") else scene.add("dean", vouched=True)
    for token in ("keeper", "users"):
        for special in (chief, in_role, named):
            for act in ("deactivate", "reset", "reset_factors", "delete", "end_sessions"):
                assert error(await scene.act(act, special.id, plain.id, token=token)) == (403, "admins_only")
            answer = await scene.ask("PATCH", f"accounts/{special.id}", token, {"email": "m@evil.org"})
            assert error(answer) == (403, "admins_only")
            assert error(await scene.ask("DELETE", f"accounts/{special.id}", token)) == (403, "admins_only")
        assert error(await scene.act("make_admin", plain.id, token=token)) == (403, "admins_only")
        wanted = {"username": name(), "admin": True}
        assert error(await scene.ask("POST", "accounts", token, wanted)) == (403, "admins_only")
        for taken in ("dean", "staff-boss", "keeper", "hub"):
            assert (await scene.ask("POST", "accounts", token, {"username": taken})).status_code in (403, 409), taken
    made = (await scene.ask("POST", "accounts", "keeper", {"username": name()})).json()["account"]["username"]
    assert not scene.account(made).vouched, "so that a configuration which names it later does not mean this one"
    manager = await as_staff(new_browser(scene.hub), "manager")
    for act in ("make_admin", "unmake_admin", "delete"):
        assert (await post(manager, act, chief, sure="yes")).status == 403
    page = await manager.open(f"{USERS}/{chief.id}")
    assert "Only an administrator of the hub may change anything" in page.text
    assert (scene.account(chief.username).admin, scene.account(plain.username)) == (True, plain)


@pytest.mark.row("V12")
async def test_a_narrow_token_of_an_administrator_is_no_administrator(scene: Staffed, boss: Browser) -> None:
    plain = scene.add(name())
    narrow = await scene.token_of("staff-boss", scopes=["admin:users!user=staff-boss"])
    assert error(await scene.act("make_admin", plain.id, token=narrow)) == (403, "admins_only")
    assert (await scene.act("make_admin", plain.id, token=await scene.token_of("staff-boss"))).json()["changed"] == 1
    assert scene.account(plain.username).admin is True


@pytest.mark.row("V12", "V08")
async def test_names_that_nobody_signs_up_under_are_given_by_administrators_alone(
    scene: Staffed, boss: Browser, new_browser: NewBrowser
) -> None:
    manager = await as_staff(new_browser(scene.hub), "manager")
    for reserved in ("root", "Admin"):
        assert error(await scene.ask("POST", "accounts", json={"username": reserved})) == (403, "name_reserved")
        assert (await post(manager, "create", username=reserved)).status == 403
        assert not scene.has(reserved.lower())
    assert (await post(boss, "create", username="root")).status == 200
    assert scene.has("root")


async def test_nobody_shuts_themselves_out(scene: Staffed, new_browser: NewBrowser) -> None:
    ann = scene.add(name("admin"), admin=True)
    browser = new_browser(scene.hub)
    await scene.enter(browser, ann.username)
    for act in ("deactivate", "delete", "unmake_admin"):
        page = await post(browser, act, ann, sure="yes")
        assert (page.status, "This is your own account" in page.text) == (403, True)
    assert scene.account(ann.username).may_sign_in(0)


async def test_a_cookie_opens_no_resource(scene: Staffed, boss: Browser) -> None:
    page = await boss.request("GET", "/hub/api/hubauth/providers/local/accounts")
    assert page.status == 403
    assert page.response.json()["error"] == "forbidden"


# What it does.


@pytest.mark.row("V10")
async def test_sessions_tokens_and_sign_ins_end_at_once(scene: Staffed, new_browser: NewBrowser) -> None:
    ann, browser = scene.add(name()), new_browser(scene.hub)
    await scene.enter(browser, ann.username)
    token = await scene.token_of(ann.username)
    for act in ("end_sessions", "deactivate"):
        assert await token_works(scene, token)
        assert (await scene.act(act, ann.id, reason="spam")).json()["changed"] == 1
        assert await browser.hub_user() is None
        assert not await token_works(scene, token)
        await scene.sign_in(browser, ann.username)
        if act == "end_sessions":
            assert await browser.hub_user() == ann.username
            token = await scene.token_of(ann.username)
    assert await browser.hub_user() is None
    assert (await scene.act("reactivate", ann.id)).json()["changed"] == 1
    await scene.enter(browser, ann.username)
    history = (await scene.ask("GET", f"accounts/{ann.id}/history")).json()["history"]
    told = [(each["act"], each["actor"], each["reason"]) for each in history]
    assert ("account_deactivated", "service:keeper", "spam") in told


@pytest.mark.row("V09", "V11")
async def test_applicants_are_approved_and_refused_by_our_own_forms_alone(
    scene: Staffed, boss: Browser, new_browser: NewBrowser
) -> None:
    ann, ben = scene.add(name(), status="pending"), scene.add(name(), status="pending")
    for act in ("approve", "refuse"):
        page = await boss.open(f"{USERS}?act={act}&id={ann.id}&sure=yes")
        assert page.status in (200, 400)
        assert (await boss.open(f"{USERS}/{ann.id}?act={act}&sure=yes")).status == 200
        without = {"act": act, "id": ann.id, "sure": "yes"}
        assert (await boss.post(USERS, without)).status == 403
        await boss.open("/hub/home")
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert (await boss.post(USERS, without | {"_xsrf": boss.xsrf}, headers=foreign)).status == 403
    assert scene.account(ann.username).status == "pending"
    other = new_browser(scene.hub)
    await scene.sign_in(other, ann.username)
    assert await other.hub_user() is None

    page = await boss.follow(await post(boss, "approve", ann))
    assert "1 account is approved" in page.text
    await scene.enter(other, ann.username)
    page = await post(boss, "refuse", ben)
    assert (page.status, ben.username in page.text) == (200, True)
    assert scene.account(ben.username).status == "pending", "it is asked first"
    page = await boss.follow(await boss.submit(page.form("/users"), reason="who?"))
    assert "1 account is refused" in page.text
    assert scene.rows("SELECT id FROM hubauth_native_accounts WHERE id = ?", ben.id) == []
    kinds = {(event["kind"], event["subject"], event["actor"]) for event in scene.events() if "actor" in event}
    assert {("account_approved", ann.id, "staff-boss"), ("account_refused", ben.id, "staff-boss")} <= kinds


@pytest.mark.row("M06")
async def test_who_signed_in_long_ago_is_asked_again(scene: Staffed, boss: Browser) -> None:
    ann = scene.add(name())
    boss.client.cookies.delete("hubauth_recent")
    for act, fields in (("deactivate", {"sure": "yes"}), ("create", {"username": name()}), ("invite", {})):
        page = await post(boss, act, ann, **fields)
        assert page.status == 403, act
        assert page.link("Sign in again with")
    assert scene.account(ann.username).status == "active"


@pytest.mark.row("6.4.6")
async def test_a_link_of_an_administrator_sets_a_password_that_he_never_sees(
    scene: Staffed, boss: Browser, new_browser: NewBrowser
) -> None:
    username, other = name(), new_browser(scene.hub)
    page = await post(boss, "create", username=username, full_name="Zoe <b>", email="zoe@house.org")
    assert page.status == 200, page.text
    link = str(page.soup.select_one("input.native-link")["value"])  # type: ignore[index]
    assert link not in (await boss.open(USERS)).html
    form = (await other.open(link)).form("first-password")
    await other.submit(form, password="an otter under seven bridges")
    await scene.enter(other, username, "an otter under seven bridges")
    account = scene.account(username)
    page = await post(boss, "reset", account, path=f"{USERS}/{account.id}")
    newer = str(page.soup.select_one("input.native-link")["value"])  # type: ignore[index]
    assert (await other.open(link)).status == 410
    await other.submit((await other.open(newer)).form("reset"), password="two otters under a bridge")
    assert await other.hub_user() is None, "sessions end with the old password"
    await scene.enter(other, username, "two otters under a bridge")
    tokens = {each.rpartition("=")[2] for each in (link, newer)}
    lines = [line for line in scene.hub.log.splitlines() if "tornado.access" not in line]  # which is the Python proxy
    assert not [line for line in lines if any(token in line for token in tokens)]


async def test_a_page_of_the_list_that_is_no_more_leads_to_the_last_one(scene: Staffed, boss: Browser) -> None:
    ann = scene.add(name())
    page = await boss.follow(await boss.open(f"{USERS}?q={ann.username}&page=99"))
    assert page.status == 200
    assert ann.username in page.text


async def test_bad_input_is_answered_and_changes_nothing(scene: Staffed, boss: Browser) -> None:
    ann = scene.add(name())
    bad: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("no such act", {}),
        ("deactivate", {"sure": "yes", "days": "-1"}),
        ("deactivate", {"sure": "yes", "days": "9" * 16}),
        ("deactivate", {"sure": "yes", "reason": "x" * 2000}),
        ("create", {}),
        ("create", {"username": "\u202eann"}),
        ("create", {"username": ann.username}),
        ("create", {"username": name(), "email": "no address"}),
        ("withdraw", {"invitation": "x"}),
    ]
    for act, fields in bad:
        page = await post(boss, act, ann, **fields)
        assert 400 <= page.status < 500, (act, fields, page.text)
        assert "Traceback" not in page.text
    assert scene.account(ann.username) == ann
    for query in ("?page=0", "?sort=password_hash", "?q=%00", "?status=x", "?unknown=1", "?q=%ff"):
        assert (await boss.open(USERS + query)).status in (200, 400), query
    for path in (USERS, f"{USERS}/{ann.id}"):
        page = await boss.request(
            "POST",
            path,
            content=b"_xsrf=" + boss.xsrf.encode() + b"&act=%ff&id=%fe",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"},
        )
        assert page.status == 400, page.text
    assert (await post(boss, "approve", ann, path=f"{USERS}/{'f' * 32}")).status == 404
    assert (await post(boss, "approve")).status == 404


async def test_an_invitation_is_made_seen_and_withdrawn(scene: Staffed, boss: Browser) -> None:
    page = await post(boss, "invite")
    link = str(page.soup.select_one("input.native-link")["value"])  # type: ignore[index]
    assert (await boss.request("GET", link)).status == 200
    page = await boss.open(USERS)
    withdraw = next(form for form in page.forms if "invitation" in form.fields)
    assert link.rpartition("=")[2] not in page.html
    page = await boss.follow(await boss.submit(withdraw, act="withdraw"))
    assert "The invitation is withdrawn" in page.text


# Deletion in both directions.


@pytest.mark.row("V15")
async def test_who_comes_after_a_deleted_account_inherits_nothing(scene: Staffed, new_browser: NewBrowser) -> None:
    username, browser = name(), new_browser(scene.hub)
    for by_hub in (False, True):
        old = scene.add(username)
        await scene.enter(browser, username)
        token = await scene.token_of(username)
        link = (await scene.act("reset", old.id)).json()["links"][0]["link"]
        if by_hub:
            assert (await scene.hub.api("DELETE", f"/users/{username}")).status_code == 204
            assert error(await scene.ask("GET", f"accounts/{old.id}")) == (404, "not_found")
        else:
            assert (await scene.ask("DELETE", f"accounts/{old.id}")).json()["changed"] == 1
            assert await scene.hub.user(username) is None
        assert await browser.hub_user() is None
        assert not await token_works(scene, token)
        assert (await browser.open(link)).status == 410
        new = scene.add(username, password="quite another password")
        await scene.sign_in(browser, username, PASSWORD)
        assert await browser.hub_user() is None
        await scene.enter(browser, username, "quite another password")
        assert new.id != old.id
        assert (await scene.ask("DELETE", f"accounts/{new.id}")).status_code == 200


async def test_an_account_follows_its_renamed_hub_user(scene: Staffed, new_browser: NewBrowser) -> None:
    old, new, browser = name(), name(), new_browser(scene.hub)
    account = scene.add(old)
    await scene.enter(browser, old)
    assert (await scene.hub.api("PATCH", f"/users/{old}", json={"name": new})).status_code == 200
    browser = new_browser(scene.hub)
    await scene.sign_in(browser, old)
    assert await browser.hub_user() == new
    assert scene.account(new).id == account.id
    browser = new_browser(scene.hub)
    await scene.enter(browser, new)


@newest_only
@pytest.mark.row("V15")
async def test_what_was_deleted_while_the_hub_was_down_is_gone_when_it_runs_again(
    start_hub: StartHub, new_browser: NewBrowser
) -> None:
    scene = Staffed(start_hub(TEXT))
    ann, ben, browser = scene.add("ann"), scene.add("ben"), new_browser(scene.hub)
    await scene.enter(browser, "ann")
    await scene.enter(new_browser(scene.hub), "ben")
    scene.hub.stop()
    with sqlite3.connect(scene.hub.directory / "hubauth.sqlite") as store:
        store.execute("PRAGMA foreign_keys = ON")
        store.execute("DELETE FROM hubauth_native_accounts WHERE id = ?", (ann.id,))
        store.execute("INSERT INTO hubauth_native_endings VALUES (?, 'local', 'user', 1.0)", (ann.id,))
    with sqlite3.connect(scene.hub.directory / "jupyterhub.sqlite") as store:
        store.execute("PRAGMA foreign_keys = ON")
        store.execute("DELETE FROM users WHERE name = 'ben'")
    scene.hub.start()
    await until(lambda: not scene.rows("SELECT 1 FROM hubauth_native_endings"))
    assert await scene.hub.user("ann") is None
    assert await browser.hub_user() is None
    await until(lambda: scene.account("ben").status == "inactive")
    await scene.sign_in(browser, "ben")
    assert await browser.hub_user() is None
    boss = await as_staff(browser, "boss")
    assert "deleted while the hub was stopped" in (await boss.open(f"{USERS}/{ben.id}")).text


@newest_only
@pytest.mark.row("F18", "M23")
async def test_administrators_see_that_mails_do_not_get_through(start_hub: StartHub, new_browser: NewBrowser) -> None:
    nobody = "{'smtp_host': '127.0.0.1', 'smtp_port': 1, 'smtp_security': 'none', 'mail_from': 'hub@house.org'}"
    scene = Staffed(start_hub(f"{TEXT}\nc.HubAuthenticator.providers['local'].update({nobody})\n"))
    boss = await as_staff(new_browser(scene.hub), "boss")
    page = await boss.follow(await post(boss, "invite", invited="zoe@house.org"))
    assert "An invitation is on its way to zoe@house.org" in page.text
    await until(lambda: scene.rows("SELECT 1 FROM hubauth_native_mails WHERE trouble <> ''"))
    assert "Mails do not get through: 1 wait" in (await boss.open(USERS)).text


# The resources are as they are described.


@newest_only
async def test_the_resources_are_as_they_are_described(scene: Staffed, tmp_path: Path) -> None:
    base = f"{scene.hub.direct_url}/hub/api/hubauth/providers/local"
    run = await schemathesis(base, "Authorization: token token-of-keeper", {}, tmp_path, examples=5, may_refuse=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 10" in run.stdout, run.stdout
    described = json.dumps((await scene.ask("GET", "openapi.json", "")).json())
    assert "password_hash" not in described
