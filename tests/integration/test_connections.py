"""Connecting accounts at a real hub: what a link is bound to, what a linked account gives, and how it goes again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import every_version, newest_only

from .scene import Scene

KEYS = {"JUPYTERHUB_CRYPT_KEY": "5a" * 32}
NewBrowser = Callable[[Hub], Browser]


def last(scene: Scene) -> tuple[str, str]:
    """Kind and reason of the last event."""
    event = scene.events()[-1]
    return event["kind"], event.get("reason", "")


async def enter(scene: Scene, browser: Browser, provider: str, subject: str, username: str) -> None:
    """Sign in as somebody."""
    scene.person(provider, subject, username)
    page = await scene.sign_in(browser, provider)
    assert page.status == 302, page.text


async def press(browser: Browser, path: str, act: str = "", *, page: Page | None = None, **typed: str) -> Page:
    """Send a form of the page of connections, or of another one."""
    page = page or await browser.open("/hub/connections")
    form = page.form(path)
    return await browser.submit(form, **typed, **({"act": act} if act else {}))


# A linked account is another way in.


@every_version
@pytest.mark.row("M10")
async def test_a_connected_account_is_another_way_in_to_the_same_hub_user(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "m10", "mia")
    scene.person("blue", "m10-blue", "mia-at-blue")
    page = await browser.follow(await scene.connect(browser, "blue"))
    assert page.path == "/hub/connections"
    assert "The blue house is connected." in page.text
    assert "mia-at-blue" in page.text
    assert scene.identities_of("red-mia") == ["blue:m10-blue", "red:m10"]
    assert last(scene) == ("connected", "")
    await browser.sign_out()
    await scene.sign_in(browser, "blue")
    assert await browser.hub_user() == "red-mia"
    assert "blue-mia-at-blue" not in await scene.hub.user_names()


@pytest.mark.row("M10")
async def test_what_was_disconnected_is_no_way_in_any_more_and_other_sessions_end(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "red", "bye", "beata")
    scene.person("blue", "bye-blue", "bea")
    await scene.connect(browser, "blue")
    await scene.sign_in(other_browser, "blue")
    assert await other_browser.hub_user() == "red-beata"
    page = await press(browser, "/blue/disconnect")
    assert page.status == 303
    assert "The blue house is disconnected." in (await browser.follow(page)).text
    assert last(scene) == ("disconnected", "")
    assert await browser.hub_user() == "red-beata"
    assert await other_browser.hub_user() is None, "who came in by it is in still"
    await scene.sign_in(other_browser, "blue")
    assert await other_browser.hub_user() == "blue-bea"


@pytest.mark.row("M10")
async def test_the_main_account_stays(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "stay", "stan")
    page = await browser.open("/hub/connections")
    with pytest.raises(LookupError):
        page.form("/red/disconnect")
    page = await browser.post("/hub/connections/red/disconnect", {"_xsrf": browser.xsrf})
    assert page.status == 409
    assert last(scene) == ("link_refused", "home_identity")
    assert scene.identities_of("red-stan") == ["red:stay"]


# What a link is bound to.


@pytest.mark.row("R09", "X17")
@pytest.mark.parametrize("cookies", ["left behind", "taken along"])
async def test_a_link_begun_in_one_browser_does_not_end_in_another(
    scene: Scene, browser: Browser, other_browser: Browser, cookies: str
) -> None:
    """The attacker lets the victim open the callback with the attacker's own account, cookies planted or not."""
    await enter(scene, browser, "red", f"r09-{cookies}", f"attila-{cookies[0]}")
    await enter(scene, other_browser, "red", f"r09-victim-{cookies}", f"vera-{cookies[0]}")
    scene.person("blue", f"r09-blue-{cookies}", "attila")
    answer = scene.answer("blue", await scene.leave_to_connect(browser, "blue"))
    if cookies == "taken along":
        for cookie in browser.client.cookies.jar:
            if cookie.name.startswith("hubauth-"):
                other_browser.client.cookies.jar.set_cookie(cookie)
    asked = scene["blue"].count("/token")
    page = await other_browser.request("GET", answer)
    assert page.status in {400, 403}
    assert scene["blue"].count("/token") == asked, "the code went out"
    assert await other_browser.hub_user() == f"red-vera-{cookies[0]}"
    assert scene.identities_of(f"red-vera-{cookies[0]}") == [f"red:r09-victim-{cookies}"]
    assert last(scene)[1] in {"state_unknown", "session_changed"}


@pytest.mark.row("R09")
@pytest.mark.parametrize("meanwhile", ["somebody else signs in", "signs out", "signs out and in again"])
async def test_a_link_ends_in_the_session_that_it_began_in_or_not_at_all(
    scene: Scene, browser: Browser, meanwhile: str
) -> None:
    name = f"swap{len(meanwhile)}"
    await enter(scene, browser, "red", name, name)
    page = await scene.leave_to_connect(browser, "blue")
    if meanwhile == "somebody else signs in":
        await enter(scene, browser, "red", f"{name}-other", f"{name}-other")
    else:
        await browser.sign_out()
        if "in again" in meanwhile:
            await enter(scene, browser, "red", name, name)
    before = await browser.hub_user()
    scene.person("blue", f"{name}-blue", name)
    asked = scene["blue"].count("/token")
    ended = await browser.request("GET", scene.answer("blue", page))
    assert ended.status == 403
    assert "Nothing was connected" in ended.text
    assert scene["blue"].count("/token") == asked, "the code went out"
    assert last(scene) == ("link_refused", "session_changed")
    assert await browser.hub_user() == before, "the link switched the hub user"
    assert "blue:" not in " ".join(scene.identities_of(f"red-{name}"))


@pytest.mark.row("R03", "R09")
async def test_a_link_counts_once(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "once", "olga")
    scene.person("blue", "once-blue", "olga")
    answer = scene.answer("blue", await scene.leave_to_connect(browser, "blue"))
    pages = await asyncio.gather(*(browser.request("GET", answer) for _ in range(3)))
    assert {page.status for page in pages} <= {302, 400}
    asked = scene["blue"].count("/token")
    await press(browser, "/blue/disconnect")
    replayed = await browser.request("GET", answer)
    assert replayed.status in range(400, 500)
    assert scene["blue"].count("/token") == asked
    assert scene.identities_of("red-olga") == ["red:once"]


@pytest.mark.row("R07", "R09")
async def test_a_state_of_a_link_is_worth_nothing_at_another_provider(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "mix", "max")
    answer = scene.answer("blue", await scene.leave_to_connect(browser, "blue")).replace("/auth/blue/", "/auth/red/")
    page = await browser.request("GET", answer)
    assert page.status == 400
    assert last(scene)[1] == "provider_mismatch"
    assert scene.identities_of("red-max") == ["red:mix"]


@pytest.mark.row("R09", "V12")
async def test_a_sign_in_under_way_is_no_link_and_a_link_no_sign_in(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "red", "kind", "kai")
    scene.person("blue", "kind-blue", "kai")
    page = await scene.leave(browser, "blue")
    await browser.request("GET", scene.answer("blue", page))
    assert await browser.hub_user() == "blue-kai"
    assert scene.identities_of("red-kai") == ["red:kind"]
    names = await scene.hub.user_names()
    await enter(scene, other_browser, "red", "kind2", "kim")
    scene.person("blue", "kind2-blue", "kim")
    await scene.connect(other_browser, "blue")
    assert await scene.hub.user_names() - names == {"red-kim"}, "a link made a hub user"


@pytest.mark.row("V11", "M10")
async def test_only_our_own_form_connects_and_disconnects(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "form", "fred")
    scene.person("blue", "form-blue", "fred")
    await scene.connect(browser, "blue")
    await browser.open("/hub/connections")
    for path in ("red/connect", "blue/connect", "blue/disconnect", "offer", "hub-users/red-fred"):
        url = f"/hub/connections/{path}"
        fields = {"_xsrf": browser.xsrf, "answer": "yes", "act": "disconnect", "provider": "blue"}
        assert (await browser.post(url, fields | {"_xsrf": ""})).status == 403, path
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Mode": "no-cors"},
        ):
            assert (await browser.post(url, fields, headers=headers)).status == 403, (path, headers)
        if not path.startswith("hub-users"):
            assert (await browser.open(url)).status == 405, path
    assert scene.identities_of("red-fred") == ["blue:form-blue", "red:form"]


async def test_nobody_connects_anything_without_being_signed_in(scene: Scene, browser: Browser) -> None:
    page = await browser.request("GET", "/hub/connections")
    assert page.location is not None
    assert page.location.startswith(f"{scene.hub.url}/hub/login?next=%2Fhub%2Fconnections")
    await browser.follow(page)
    for path in ("red/connect", "red/disconnect", "offer"):
        page = await browser.post(f"/hub/connections/{path}", {"_xsrf": browser.xsrf, "answer": "yes"})
        assert page.status == 403, path


# Whose an account is.


@pytest.mark.row("F19", "M10")
async def test_an_account_of_somebody_else_is_refused_and_stays_theirs(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "blue", "hers", "hera")
    await enter(scene, other_browser, "red", "his", "hans")
    scene.person("blue", "hers", "hera")
    page = await scene.connect(other_browser, "blue")
    assert page.status == 409
    assert "connected to another user of this hub" in page.text
    assert "hera" not in page.text, "whose it is, is nobody's business"
    assert last(scene) == ("link_refused", "identity_taken")
    assert await other_browser.hub_user() == "red-hans"
    assert scene.identities_of("blue-hera") == ["blue:hers"]
    assert scene.identities_of("red-hans") == ["red:his"]


@pytest.mark.row("F19")
async def test_of_two_users_who_connect_one_account_at_once_one_wins(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "red", "race1", "ria")
    await enter(scene, other_browser, "red", "race2", "rob")
    scene.person("blue", "race-blue", "both")
    answers = [scene.answer("blue", await scene.leave_to_connect(each, "blue")) for each in (browser, other_browser)]
    pages = await asyncio.gather(browser.request("GET", answers[0]), other_browser.request("GET", answers[1]))
    assert sorted(page.status for page in pages) == [302, 409]
    owned = scene.identities_of("red-ria") + scene.identities_of("red-rob")
    assert owned.count("blue:race-blue") == 1


async def test_a_second_account_of_the_same_provider_is_refused(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "two", "tove")
    scene.person("blue", "two-blue", "tove")
    page = await scene.leave_to_connect(browser, "blue")
    await browser.request("GET", scene.answer("blue", page))
    scene.person("blue", "two-blue-other", "tove2")
    page = await browser.post("/hub/connections/blue/connect", {"_xsrf": browser.xsrf})
    page = await browser.request("GET", scene.answer("blue", page))
    assert page.status == 409
    assert last(scene) == ("link_refused", "already_connected")
    assert scene.identities_of("red-tove") == ["blue:two-blue", "red:two"]


@pytest.mark.row("V34", "M11")
async def test_an_address_of_mail_connects_nobody(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    mail = {"email": "eve@example.org", "email_verified": True}
    scene.person("red", "v34", "eve", **mail)
    await scene.sign_in(browser, "red")
    scene.person("blue", "v34-stranger", "stranger", **mail)
    await scene.sign_in(other_browser, "blue")
    assert await browser.hub_user() == "red-eve"
    assert await other_browser.hub_user() == "blue-stranger"


@pytest.mark.row("F20")
async def test_a_user_who_is_deleted_meanwhile_leaves_no_link_behind(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "f20", "frieda")
    page = await scene.leave_to_connect(browser, "blue")
    scene.person("blue", "f20-blue", "frieda")
    await scene.hub.api("DELETE", "/users/red-frieda")
    page = await browser.request("GET", scene.answer("blue", page))
    assert page.status == 403
    assert scene.identities_of("red-frieda") == []
    assert "red-frieda" not in await scene.hub.user_names()


# A recent sign-in.


def forget_recent_sign_in(browser: Browser) -> None:
    """As if it were some time ago."""
    browser.client.cookies.delete("hubauth_recent")


@pytest.mark.row("M10", "M06", "7.5.1")
async def test_who_signed_in_a_while_ago_signs_in_again_first(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "late", "lars")
    scene.person("blue", "late-blue", "lars")
    await scene.connect(browser, "blue")
    forget_recent_sign_in(browser)
    await browser.open("/hub/login")  # renews the hub's own cookie, not ours
    page = await press(browser, "/blue/disconnect")
    assert page.status == 403
    assert last(scene) == ("link_refused", "sign_in_again")
    assert scene.identities_of("red-lars") == ["blue:late-blue", "red:late"]
    page = await browser.open("/hub/connections?connect=blue")
    page = await browser.request("GET", page.link("Sign in again with The red house"))
    scene.person("red", "late", "lars")
    page = await browser.follow(await browser.request("GET", scene.answer("red", page)))
    assert page.path == "/hub/connections"
    assert page.query == {"connect": "blue"}
    assert (await press(browser, "/blue/disconnect", page=page)).status == 303


@pytest.mark.row("M10", "R09")
async def test_a_recent_sign_in_counts_in_its_own_session_and_for_its_own_user(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "red", "own", "otto")
    await enter(scene, other_browser, "red", "own2", "oda")
    taken = browser.cookie("hubauth_recent") or ""
    forget_recent_sign_in(other_browser)
    other_browser.client.cookies.set("hubauth_recent", taken, domain="127.0.0.1", path="/hub/")
    await other_browser.open("/hub/connections")
    page = await other_browser.post("/hub/connections/blue/connect", {"_xsrf": other_browser.xsrf})
    assert page.status == 403
    assert last(scene) == ("link_refused", "sign_in_again")


async def test_a_connected_account_is_renewed_without_a_new_sign_in_but_never_exchanged(
    scene: Scene, browser: Browser
) -> None:
    await enter(scene, browser, "red", "renew", "rita")
    scene.person("blue", "renew-blue", "rita")
    await scene.connect(browser, "blue")
    forget_recent_sign_in(browser)
    begun = [await browser.post("/hub/connections/blue/connect", {"_xsrf": browser.xsrf}) for _ in range(2)]
    assert (await browser.request("GET", scene.answer("blue", begun[0]))).status == 302
    assert last(scene) == ("reconnected", "")
    scene.person("blue", "renew-blue-other", "rita2")
    assert (await browser.request("GET", scene.answer("blue", begun[1]))).status in {403, 409}
    assert scene.identities_of("red-rita") == ["blue:renew-blue", "red:renew"]


# "Is that you?"


@pytest.mark.row("M10", "V36")
async def test_who_meets_a_taken_name_connects_after_signing_in_the_way_they_did_before(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, other_browser, "red", "first", "nora")
    scene.person("red", "second", "nora")
    page = await scene.sign_in(browser, "red")
    assert page.status == 403
    assert last(scene) == ("login_refused", "name_taken")
    assert "Is that you?" in page.text
    assert "The red house" in page.text
    chooser = await browser.open(page.link("Sign in the way you did before"))
    begun = await browser.request("GET", chooser.link("/auth/blue/login"))
    scene.person("blue", "nora-blue", "nora")
    page = await browser.follow(await browser.request("GET", scene.answer("blue", begun)))
    assert page.path == "/hub/connections"
    assert "at The red house as nora . Connect that account to your account blue-nora here?" in page.text
    kept = browser.cookie("hubauth_offer") or ""
    assert (await press(browser, "/connections/offer", page=page, answer="yes")).status == 303
    assert scene.identities_of("blue-nora") == ["blue:nora-blue", "red:second"]
    assert scene.identities_of("red-nora") == ["red:first"]
    browser.client.cookies.set("hubauth_offer", kept, domain="127.0.0.1", path="/hub/")
    again = await browser.post("/hub/connections/offer", {"_xsrf": browser.xsrf, "answer": "yes"})
    assert (again.status, last(scene)) == (409, ("link_refused", "offer_over"))


@pytest.mark.row("M10")
async def test_an_offer_is_this_browsers_and_may_be_declined(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, other_browser, "red", "taken1", "tim")
    scene.person("red", "taken2", "tim")
    await scene.sign_in(browser, "red")
    await enter(scene, browser, "blue", "tim-blue", "tim")
    assert "Is that you?" not in (await other_browser.open("/hub/connections")).text
    page = await browser.open("/hub/connections")
    assert "Is that you?" in page.text
    await press(browser, "/connections/offer", page=page, answer="no")
    assert "Is that you?" not in (await browser.open("/hub/connections")).text
    assert scene.identities_of("blue-tim") == ["blue:tim-blue"]


# Deep links, and what people read.


async def test_a_link_to_the_page_opens_what_it_asks_for_and_repeats_nothing(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "deep", "dina")
    page = await browser.open("/hub/connections?connect=blue")
    assert page.soup.select_one(".hubauth-selected h3").get_text(strip=True) == "The blue house"  # type: ignore[union-attr]  # it is there
    for query in ("connect=nowhere-canary", "connect=blue&scope=canary", "connect=red&scope=canary"):
        page = await browser.open(f"/hub/connections?{query}")
        assert "asks for something that this hub does not offer" in page.text
        assert "canary" not in page.html
    page = await browser.open("/hub/connections?connect=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page.html


@newest_only
async def test_a_page_of_the_hub_has_an_entry_for_connections(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "red", "nav", "nina")
    for path in ("/hub/home", "/hub/token"):
        assert (await browser.open(path)).link("Connections") == f"{scene.hub.url}/hub/connections"
