"""People sign in to one real hub through four sources at once; three of them are programs that others wrote."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import pytest_asyncio

from harness.browser import Browser
from harness.counterparts import Counterpart, Forge
from harness.hub import Hub
from harness.hubs import StartHub

NewBrowser = Callable[[Hub], Browser]
Sources = dict[str, Counterpart]


@pytest.fixture
def sources(oidc_provider: Counterpart, django_provider: Counterpart, github: Forge, gitlab: Forge) -> Sources:
    """The four, by the name of their provider."""
    return {"uni": oidc_provider, "lab": django_provider, "github": github, "gitlab": gitlab}


@pytest.fixture
def hub(shared_hub: StartHub, sources: Sources) -> Hub:
    """A hub with all of them, and one more whose identity provider does not exist."""
    providers = {name: source.options(allow_all=True) for name, source in sources.items()}
    providers["gone"] = {"type": "oidc", "issuer": "https://idp.invalid", "client_id": "x", "client_secret": "y"}
    hub = shared_hub({"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": {"providers": providers}})
    for name, source in sources.items():
        source.allow(hub, name)
    return hub


@pytest_asyncio.fixture
async def browser(hub: Hub, new_browser: NewBrowser) -> Browser:
    return new_browser(hub)


@pytest.mark.parametrize(
    ("provider", "person"), [("uni", "alice"), ("lab", "alice"), ("github", "octocat"), ("gitlab", "ann")]
)
@pytest.mark.row("C01")
async def test_sign_in_ends_where_it_was_asked_for(
    hub: Hub, browser: Browser, sources: Sources, provider: str, person: str
) -> None:
    page = await browser.sign_in(provider, person, sources[provider].password(person), next_url="/hub/token?a=1")
    assert (page.status, page.path) == (200, "/hub/token"), page.text
    assert page.query == {"a": "1"}
    assert await browser.hub_user() == f"{provider}-{person}"


async def test_a_person_gets_a_server(hub: Hub, browser: Browser) -> None:
    await browser.sign_in("uni", "bob")
    server = await browser.server("uni-bob")
    assert server["user"] == "uni-bob"


@pytest.mark.row("B1")
async def test_two_providers_in_flight_in_one_browser_both_finish(hub: Hub, browser: Browser, sources: Sources) -> None:
    first, second = await browser.begin("uni"), await browser.begin("gitlab")
    from_gitlab = await browser.follow_to_callback(second, "ben")
    from_uni = await browser.follow_to_callback(first, "carol")
    assert (await browser.open(from_uni)).status == 200
    assert await browser.hub_user() == "uni-carol"
    assert (await browser.open(from_gitlab)).status == 200
    assert await browser.hub_user() == "gitlab-ben"


@pytest.mark.row("V28", "R03", "X17")
async def test_answer_opened_in_another_browser_signs_nobody_in(
    hub: Hub, browser: Browser, new_browser: NewBrowser
) -> None:
    callback = await browser.follow_to_callback(await browser.begin("uni"), "mallory")
    victim = new_browser(hub)
    page = await victim.open(callback)
    assert 400 <= page.status < 500
    assert await victim.hub_user() is None


@pytest.mark.row("R09", "V28")
async def test_sign_in_beside_another_identity_links_nothing(
    hub: Hub, browser: Browser, new_browser: NewBrowser
) -> None:
    """Nothing can begin a link, so whoever signs in while somebody else is signed in becomes themselves."""
    await browser.sign_in("uni", "victim")
    begun = await browser.request("GET", "/hub/auth/gitlab/login", params={"purpose": "link", "link": "1"})
    await browser.open(await browser.follow_to_callback(begun, "ben"))
    assert await browser.hub_user() == "gitlab-ben"
    later = new_browser(hub)
    await later.sign_in("gitlab", "ben")
    assert await later.hub_user() == "gitlab-ben"


@pytest.mark.row("V36", "V16")
async def test_renamed_account_keeps_its_hub_user_and_its_old_name_reaches_another(
    hub: Hub, new_browser: NewBrowser, sources: Sources, request: pytest.FixtureRequest
) -> None:
    github, number = sources["github"], 5000 + 2 * list(request.session.items).index(request.node)
    old, new = f"old{number}", f"new{number}"
    github.account(number, login=old)
    before, renamed, stranger = (new_browser(hub) for _ in range(3))
    await before.sign_in("github", old)
    github.account(number, login=new)
    github.account(number + 1, login=old)
    await renamed.sign_in("github", new)
    assert await renamed.hub_user() == f"github-{old}"
    page = await stranger.sign_in("github", old)
    assert 400 <= page.status < 500
    assert await stranger.hub_user() is None


@pytest.mark.row("F01")
async def test_provider_that_is_gone_says_so_and_the_others_work(hub: Hub, browser: Browser) -> None:
    page = await browser.open("/hub/login")
    assert page.link("/auth/gone/login")
    page = await browser.follow(await browser.begin("gone"))
    assert page.status >= 500
    assert "does not answer" in page.text
    assert "Traceback" not in page.html
    await browser.sign_in("uni", "bob")
    assert await browser.hub_user() == "uni-bob"


async def test_code_that_github_refuses_is_no_sign_in(hub: Hub, browser: Browser, sources: Sources) -> None:
    """GitHub's answer has status 200 all the same."""
    callback = await browser.follow_to_callback(await browser.begin("github"), "bob")
    page = await browser.open(callback.replace("code=", "code=x"))
    assert 400 <= page.status < 600
    assert await browser.hub_user() is None
