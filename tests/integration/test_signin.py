"""Signing in at a real hub: several providers side by side, and every way in which a callback can be wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from tornado.web import RequestHandler

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, every_version, newest_only
from hostile_idp import faults, tokens
from hostile_idp.faults import json_answer
from hostile_idp.server import HostileIdP

from .scene import ABSENT, Rejection, Scene, config

OneMore = Callable[[Hub], Browser]


@every_version
@pytest.mark.row("C01", "C23", "V39", "B4", "6.8.1")
async def test_one_name_at_two_providers_is_two_people(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    scene.person("red", "1", "ann")
    scene.person("blue", "1", "ann")
    await browser.follow(await scene.sign_in(browser, "red"))
    await other_browser.follow(await scene.sign_in(other_browser, "blue"))
    assert await browser.hub_user() == "red-ann"
    assert await other_browser.hub_user() == "blue-ann"


@pytest.mark.row("V36")
async def test_renamed_person_keeps_the_hub_user_and_the_name_is_not_given_away(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    scene.person("red", "r36", "renata")
    await scene.sign_in(browser, "red")
    scene.person("red", "r36", "renata-new")
    await browser.sign_out()
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "red-renata"
    scene.person("red", "r36-stranger", "renata")
    async with Rejection(scene, other_browser, "name_taken"):
        page = await scene.sign_in(other_browser, "red")
    assert page.status == 403
    assert "taken" in page.text


@pytest.mark.row("B1", "F12")
async def test_two_tabs_and_two_providers_at_once_all_finish(scene: Scene, browser: Browser) -> None:
    scene.person("red", "b1", "beth")
    scene.person("blue", "b1", "beth")
    begun = [await scene.leave(browser, name) for name in ("red", "blue", "red")]
    for name, page in reversed(list(zip(("red", "blue", "red"), begun, strict=True))):
        answer = await browser.request("GET", scene.answer(name, page))
        assert answer.status == 302, answer.text
        assert await browser.hub_user() == f"{name}-beth"


@pytest.mark.row("R01", "R07", "B2", "X17")
async def test_state_of_one_provider_at_the_callback_of_another(scene: Scene, browser: Browser) -> None:
    asked = scene["blue"].count("/token")
    page = await scene.leave(browser, "red")
    answer = scene.answer("red", page).replace("/auth/red/", "/auth/blue/")
    async with Rejection(scene, browser, "provider_mismatch"):
        assert (await browser.request("GET", answer)).status in range(400, 500)
    assert scene["blue"].count("/token") == asked, "the code went to the wrong provider"


@pytest.mark.row("X17", "V28", "10.1.2", "10.2.1")
@pytest.mark.parametrize("victim", ["nobody", "signed in"])
async def test_answer_of_one_browser_in_another(
    scene: Scene, browser: Browser, other_browser: Browser, victim: str
) -> None:
    if victim == "signed in":
        scene.person("red", "v28", "vera")
        await scene.sign_in(other_browser, "red")
    scene.person("red", "v28-attacker", "attacker")
    stolen = scene.answer("red", await scene.leave(browser, "red"))
    page = await other_browser.request("GET", stolen)
    assert page.status == 400
    assert await other_browser.hub_user() == ("red-vera" if victim == "signed in" else None)
    assert "red-attacker" not in await scene.hub.user_names()


@pytest.mark.row("R03", "X17", "X18", "F12")
async def test_an_answer_counts_once(scene: Scene, browser: Browser) -> None:
    scene.person("red", "x18", "xena")
    page = await scene.leave(browser, "red")
    answer, cookies = scene.answer("red", page), dict(browser.client.cookies)
    assert (await browser.request("GET", answer)).status == 302
    asked = scene["red"].count("/token")
    again = await browser.request("GET", answer)
    assert again.status == 400
    assert "/auth/red/login" in again.html, "no way on"
    thief = Browser(scene.hub.url)
    thief.client.cookies.update({name: value for name, value in cookies.items() if name.startswith("hubauth-")})
    await thief.request("GET", answer)
    assert await thief.hub_user() is None
    assert scene["red"].count("/token") == asked, "a used code was sent again"


@pytest.mark.row("F12", "R03")
async def test_two_callbacks_at_once_send_the_code_once(scene: Scene, browser: Browser) -> None:
    scene.person("red", "f12", "fay")
    answer = scene.answer("red", await scene.leave(browser, "red"))
    asked = scene["red"].count("/token")
    pages = await asyncio.gather(*(browser.request("GET", answer) for _ in range(4)))
    assert {page.status for page in pages} <= {302, 400}
    assert scene["red"].count("/token") == asked + 1
    assert await browser.hub_user() == "red-fay"


@pytest.mark.row("X17", "X19", "X20", "X22", "R10")
@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        pytest.param({"state": ABSENT}, ["state_missing"], id="no-state"),
        pytest.param({"state": "0" * 43}, ["state_unknown"], id="foreign-state"),
        pytest.param({"state": ["a", "b"]}, ["bad_request"], id="state-twice"),
        pytest.param({"code": ["a", "b"]}, ["bad_request"], id="code-twice"),
        pytest.param({"code": ABSENT, "error": "access_denied"}, ["cancelled"], id="cancelled"),
        pytest.param({"iss": ABSENT}, ["issuer_missing"], id="no-iss-though-advertised"),
        pytest.param({"iss": "https://evil.example"}, ["issuer_mismatch"], id="foreign-iss"),
        pytest.param({"iss": ["a", "b"]}, ["callback_repeated"], id="iss-twice"),
    ],
)
async def test_tampered_callback(
    scene: Scene, browser: Browser, changes: dict[str, object], reasons: list[str]
) -> None:
    scene.person("red", "tampered", "tampered")
    asked = scene["red"].count("/token")
    async with Rejection(scene, browser, *reasons):
        page = await scene.sign_in(browser, "red", **changes)
    assert page.status in range(400, 500)
    assert page.response.headers["Cache-Control"] == "no-store"
    assert page.response.headers["Referrer-Policy"] == "no-referrer"
    assert scene["red"].count("/token") == asked, "the code went out"


@pytest.mark.row("X17")
async def test_callback_that_is_no_text_is_refused_like_any_other(scene: Scene, browser: Browser) -> None:
    page = await scene.leave(browser, "red")
    async with Rejection(scene, browser, "bad_request"):
        refused = await browser.request("GET", scene.answer("red", page) + "%ff")
    assert refused.status == 400


@pytest.mark.row("R03", "V18", "V28")
@newest_only
async def test_only_the_callback_takes_what_a_source_answers(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    issuer = idps["red"].issuer
    plain = {"type": "oauth2", "client_id": "hub", "client_secret": "s", "allow_all": True, "label": "Plain"}
    plain |= {f"{name}_url": f"{issuer}/{path}" for name, path in [("authorize", "authorize"), ("token", "token")]}
    plain |= {"userinfo_url": f"{issuer}/userinfo", "username_claim": "preferred_username"}
    scene = Scene(start_hub(config(idps, providers={"plain": plain})), idps)
    browser = new_browser(scene.hub)
    await browser.open("/hub/login")
    fields = {"_xsrf": browser.client.cookies["_xsrf"]}
    asked = scene["red"].count("/token")
    begun = scene.answer("red", await browser.begin("plain")).partition("?")[2]
    for brought in ("code=somebodys", begun):
        sent = fields | ({"state": dict(parse_qsl(brought))["state"]} if "state" in brought else {})
        async with Rejection(scene, browser, "code_missing"):
            page = await browser.request("POST", f"/hub/auth/plain/login?{brought}", data=sent)
        assert page.status == 400
    assert scene["red"].count("/token") == asked, "a code went out"


@pytest.mark.row("X20", "X21")
async def test_what_the_source_says_of_an_error_runs_nothing(scene: Scene, browser: Browser) -> None:
    evil = "<script>alert(1)</script>"
    page = await scene.leave(browser, "red")
    answer = scene.answer("red", page, code=ABSENT, error="server_error", error_description=evil)
    assert "<script>alert" not in (await browser.request("GET", answer)).html
    assert not [name for name in browser.client.cookies if name.startswith("hubauth-")], (
        "the transaction is still there"
    )


@pytest.mark.row("X16", "R01")
async def test_id_token_made_for_another_of_our_providers(scene: Scene, browser: Browser) -> None:
    scene["red"].claims = {"aud": "client-of-blue", "iss": scene["blue"].issuer}
    async with Rejection(scene, browser, "id_token_issuer"):
        page = await scene.sign_in(browser, "red")
    assert page.status in range(400, 500)


@pytest.mark.row("F21")
async def test_many_sign_ins_begun_keep_few_cookies_and_the_last_one_works(scene: Scene, browser: Browser) -> None:
    scene.person("red", "f21", "flo")
    for _ in range(50):
        page = await scene.leave(browser, "red")
    kept = [name for name in browser.client.cookies if name.startswith("hubauth-")]
    assert len(kept) <= 8
    assert (await browser.request("GET", scene.answer("red", page))).status == 302


@pytest.mark.row("F21")
async def test_without_cookies_the_page_says_so(scene: Scene, browser: Browser) -> None:
    page = await scene.leave(browser, "red")
    answer = scene.answer("red", page)
    browser.client.cookies.clear()
    refused = await browser.request("GET", answer)
    assert refused.status == 400
    assert "cookies" in refused.text


@pytest.mark.row("V13", "R03")
@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "https://evil.example/",
        "http://user@evil.example/",
        "@evil.example",
        "javascript:alert(1)",
        "/hub/home\r\nSet-Cookie: a=b",
        "/hub/../../evil",
    ],
)
async def test_next_never_leads_away(scene: Scene, browser: Browser, wanted: str) -> None:
    scene.person("red", "v13", "vic")
    page = await scene.sign_in(browser, "red", next_url=wanted)
    assert page.status == 302, page.text
    assert page.location
    assert page.location.startswith(f"{scene.hub.url}/"), page.location
    assert "a=b" not in page.response.headers.get_list("set-cookie")


async def test_next_is_kept(scene: Scene, browser: Browser) -> None:
    scene.person("red", "next", "nell")
    page = await scene.sign_in(browser, "red", next_url="/hub/token?a=b%26c#d")
    assert page.location == f"{scene.hub.url}/hub/token?a=b%26c#d"


@pytest.mark.row("R06", "B3")
async def test_code_and_state_stay_out_of_addresses_and_logs(scene: Scene, browser: Browser) -> None:
    scene.person("red", "b3", "bea")
    secrets = []
    for changes in (
        {},
        {"iss": "https://evil.example"},
        {"error": "access_denied"},
        {"code": "canary-wrong-code-0000"},
    ):
        page = await scene.leave(browser, "red")
        answer = scene.answer("red", page, **changes)
        fields = dict(pair.split("=", 1) for pair in answer.partition("?")[2].split("&"))
        secrets += [fields["state"], fields["code"]]
        done = await browser.request("GET", answer)
        assert fields["state"] not in done.html + str(done.location)
        assert fields["code"] not in done.html + str(done.location)
    secrets += [scene["red"].last("/token").form["code_verifier"], "canary-secret-of-red"]
    for secret in secrets:
        assert not [path for path in scene.hub.files_with(secret) if path.name != "hub.log"], secret
        # The Python proxy's own access log, in the same file, holds whole addresses.
        assert not [line for line in scene.hub.log.splitlines() if secret in line and " tornado.access]" not in line]


@pytest.mark.row("V14")
async def test_a_long_name_is_refused_and_not_logged_in_full(scene: Scene, browser: Browser) -> None:
    scene.person("red", "v14", "n" * 5000)
    async with Rejection(scene, browser, "username_invalid", "provider_bad_response"):
        assert (await scene.sign_in(browser, "red")).status in range(400, 500)
    assert not scene.hub.files_with("n" * 300)


@pytest.mark.row("F22")
async def test_redirect_uri_follows_the_address_asked_where_no_public_url_is_set(
    scene: Scene, browser: Browser
) -> None:
    page = await scene.leave(browser, "red")
    assert page.query["redirect_uri"] == scene.hub.callback_url("red")


@pytest.mark.row("F02")
async def test_a_provider_that_lets_us_wait_lets_nobody_else_wait(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    async def late(handler: RequestHandler) -> None:
        asked.set()
        await asyncio.to_thread(go_on.wait)
        await json_answer({"error": "invalid_grant"}, 400)(handler)

    scene["red"].replace("/token", late)
    waiting = asyncio.create_task(scene.sign_in(browser, "red"))
    try:
        await asyncio.to_thread(asked.wait)
        scene.person("blue", "f02", "finn")
        await scene.sign_in(other_browser, "blue")
        assert await other_browser.hub_user() == "blue-finn"
        assert not waiting.done()
    finally:
        go_on.set()
    assert (await waiting).status == 400


@pytest.mark.row("C26", "C27")
async def test_login_works_right_after_a_key_rotation(scene: Scene, browser: Browser) -> None:
    scene.person("red", "c26", "cleo")
    await scene.sign_in(browser, "red")
    await browser.sign_out()
    scene["red"].key = tokens.rsa(1)
    # The old key is still there, as at a real rotation: other tests sign in at this hub within the cool-down.
    scene["red"].keys = [tokens.public(tokens.rsa(1)), tokens.public(tokens.rsa())]
    try:
        await scene.sign_in(browser, "red")
        assert await browser.hub_user() == "red-cleo"
    finally:
        scene["red"].key = tokens.rsa()


async def test_nobody_signs_in_by_posting_to_the_sign_in_page(scene: Scene, browser: Browser) -> None:
    await browser.open("/hub/login")
    fields = {"_xsrf": browser.xsrf, "username": "ann", "password": "any"}
    assert (await browser.post("/hub/login", fields)).status == 405
    assert await browser.hub_user() is None


@pytest.mark.row("V17")
async def test_an_api_token_dies_with_its_user(scene: Scene, browser: Browser) -> None:
    scene.person("red", "v17", "tom")
    await scene.sign_in(browser, "red")
    made = await scene.hub.api("POST", "/users/red-tom/tokens")
    token = made.json()["token"]
    assert (await scene.hub.api("GET", "/user", token=token)).status_code == 200
    await scene.hub.api("DELETE", "/users/red-tom")
    assert (await scene.hub.api("GET", "/user", token=token)).status_code == 403


async def test_unknown_provider_is_a_404(scene: Scene, browser: Browser) -> None:
    assert (await browser.begin("green")).status == 404


@every_version
async def test_sign_in_ends_in_a_running_server(scene: Scene, browser: Browser) -> None:
    scene.person("blue", "server", "sam")
    await scene.sign_in(browser, "blue")
    assert (await browser.server("blue-sam"))["user"] == "blue-sam"


@pytest.mark.row("V11")
@pytest.mark.parametrize("victim", ["nobody", "signed in"])
async def test_an_xsrf_cookie_tossed_from_a_sibling_domain_opens_no_form(
    scene: Scene, browser: Browser, other_browser: Browser, victim: str
) -> None:
    """The attacker's own token, planted in the victim's browser and sent along, fits; where it comes from tells."""
    if victim == "signed in":
        scene.person("red", "v11", "viola")
        await scene.sign_in(other_browser, "red")
    await browser.open("/hub/login")
    tossed = {"_xsrf": browser.xsrf, "username": "attacker", "password": "x"}
    jar = other_browser.client.cookies
    if "_xsrf" in jar:
        jar.delete("_xsrf")
    jar.set("_xsrf", browser.xsrf, domain="127.0.0.1", path="/hub/")
    for headers in ({"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Mode": "no-cors"}):
        page = await other_browser.post("/hub/auth/red/login", tossed, headers=headers)
        assert page.status == 403, headers
    assert await other_browser.hub_user() == ("red-viola" if victim == "signed in" else None)


@pytest.mark.row("F04", "F01")
async def test_a_source_that_answers_rubbish_says_so_and_hurts_nobody_else(scene: Scene, browser: Browser) -> None:
    scene.person("red", "rubbish", "rubbish")
    scene["red"].replace("/token", faults.raw(b"<html>not what was asked for", "text/html"))
    async with Rejection(scene, browser, "provider_bad_response"):
        page = await scene.sign_in(browser, "red")
        assert "The red house does not answer as it should, try again." in page.text
    assert "The red house" in (await browser.open("/hub/login")).text
    scene.person("blue", "fine", "fine")
    await scene.sign_in(browser, "blue")
    assert await browser.hub_user() == "blue-fine"
