"""A real hub signs people in through GitHub's own API document, on prism, behind OAuth endpoints of ours."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from harness.browser import Browser
from harness.counterparts import Forge
from harness.hub import Hub
from harness.hubs import StartHub, newest_only

pytestmark = newest_only

NewBrowser = Callable[[Hub], Browser]
numbers = count(70_001)


def config(github: Forge) -> dict[str, dict[str, object]]:
    providers = {
        "github": github.options(allow_all=True, scope=[]),
        "github_mail": github.options(type="github", label="GitHub with mail", allow_all=True),
        "github_org": github.options(
            label="By organization", allowed_organizations=["my-org", "other:team", "sso-org"]
        ),
        "github_staff": github.options(
            label="Staff", allow_all=True, required_organizations=["my-org", "my-org:staff"], teams_as_groups=True
        ),
    }
    providers["github_now"] = github.options(label="At once", allowed_organizations=["my-org"], membership_max_age=0)
    section = {"providers": providers, "enable_auth_state": True, "manage_groups": True, "auth_refresh_age": 1}
    return {"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": section}


@pytest.fixture(scope="session")
def crypt_key() -> str:
    """The key with which the hub keeps what the source said of a person."""
    return secrets.token_hex(32)


@pytest.fixture
def hub(shared_hub: StartHub, github: Forge, crypt_key: str) -> Hub:
    hub = shared_hub(config(github), environment={"JUPYTERHUB_CRYPT_KEY": crypt_key})
    for provider in ("github", "github_mail", "github_org", "github_staff", "github_now"):
        github.allow(hub, provider)
    return hub


@pytest.fixture
def broken(github: Forge) -> Iterator[Callable[..., None]]:
    """`broken(path, status, **headers)`: GitHub's API fails there until the test is over."""

    def fail(path: str, status: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        github.control("PUT", "fault", {"path": path, "status": status, "headers": named})

    yield fail
    github.control("PUT", "fault", {})


@pytest.fixture
def set_github(github: Forge) -> Iterator[Callable[[str, object], None]]:
    """`set_github(name, value)`: one of the counterpart's settings is another until the test is over."""
    yield github.setting
    for name, value in (("closed", {}), ("granted", []), ("app", {})):
        github.setting(name, value)


def new_account(github: Forge, login: str) -> tuple[int, str]:
    """A new account, with a login that no other test uses."""
    number = next(numbers)
    github.account(number, login=f"{login}{number}")
    return number, f"{login}{number}"


async def test_sign_in_with_the_public_profile_only(hub: Hub, github: Forge, new_browser: NewBrowser) -> None:
    number, login = new_account(github, "anna")
    browser = new_browser(hub)
    page = await browser.begin("github")
    assert "scope" not in page.query
    await browser.sign_in("github", login)
    assert await browser.hub_user() == f"github-{login}"
    state = (await hub.user(f"github-{login}") or {})["auth_state"]
    assert (state["provider"], state["subject"]) == ("github", str(number))
    assert not state["claims"]["email_verified"]
    assert not any("/user/emails" in event for event in github.events()[-3:])


async def test_sign_in_with_the_verified_address(hub: Hub, github: Forge, new_browser: NewBrowser) -> None:
    _, login = new_account(github, "berta")
    browser = new_browser(hub)
    await browser.sign_in("github_mail", login)
    claims = (await hub.user(f"github_mail-{login}") or {})["auth_state"]["claims"]
    assert (claims["email"], claims["email_verified"]) == (f"{login}@github.test", True)


@pytest.mark.row("V36")
async def test_a_renamed_account_keeps_its_hub_user(hub: Hub, github: Forge, new_browser: NewBrowser) -> None:
    number, login = new_account(github, "carla")
    await new_browser(hub).sign_in("github", login)
    github.account(number, login=f"renamed-{login}")
    browser = new_browser(hub)
    await browser.sign_in("github", f"renamed-{login}")
    assert await browser.hub_user() == f"github-{login}"
    assert f"github-renamed-{login}" not in await hub.user_names()


@pytest.mark.row("V36")
async def test_whoever_takes_the_old_login_is_told_that_the_name_is_taken(
    hub: Hub, github: Forge, new_browser: NewBrowser
) -> None:
    number, login = new_account(github, "dora")
    await new_browser(hub).sign_in("github", login)
    github.account(number, login=f"renamed-{login}")
    github.account(next(numbers), login=login)
    stranger = new_browser(hub)
    page = await stranger.sign_in("github", login)
    assert page.status == 403
    assert "taken" in page.text
    assert await stranger.hub_user() is None


@pytest.mark.row("X20")
async def test_cancelling_at_github_leads_back_to_a_way_on(hub: Hub, new_browser: NewBrowser) -> None:
    browser = new_browser(hub)
    page = await browser.sign_in("github", "nobody-of-that-name")
    assert page.status in range(400, 500)
    assert "You did not sign in at GitHub" in page.text
    assert page.link("/hub/login") or page.link("/auth/github/login")
    assert await browser.hub_user() is None


@pytest.mark.row("F03")
@pytest.mark.parametrize(
    ("status", "headers"),
    [(403, {"x_ratelimit_remaining": "0"}), (403, {"retry_after": "30"}), (429, {}), (500, {})],
    ids=["primary-limit", "secondary-limit", "too-many", "down"],
)
async def test_a_limit_or_an_outage_is_not_the_persons_fault(
    hub: Hub, github: Forge, new_browser: NewBrowser, broken: Callable[..., None], status: int, headers: dict[str, str]
) -> None:
    _, login = new_account(github, "emma")
    broken("/user", status, **headers)
    browser = new_browser(hub)
    page = await browser.sign_in("github", login)
    assert page.status == 503
    assert "does not answer, try again" in page.text
    assert f"github-{login}" not in await hub.user_names()


async def test_addresses_that_github_hides_are_no_obstacle(
    hub: Hub, github: Forge, new_browser: NewBrowser, broken: Callable[..., None]
) -> None:
    _, login = new_account(github, "frida")
    broken("/user/emails", 404)
    browser = new_browser(hub)
    await browser.sign_in("github_mail", login)
    assert await browser.hub_user() == f"github_mail-{login}"


@pytest.mark.parametrize(
    ("memberships", "enters"),
    [
        ({"My-Org": "active"}, True),
        ({"Other:Team": "active"}, True),
        ({"My-Org": "pending"}, False),
        ({"other": "active", "my-org-x": "active"}, False),
        ({}, False),
    ],
    ids=["member", "of-a-team", "only-invited", "named-alike", "stranger"],
)
async def test_members_of_an_allowed_organization_enter_and_nobody_else(
    hub: Hub, github: Forge, new_browser: NewBrowser, memberships: dict[str, str], enters: bool
) -> None:
    number, login = new_account(github, "gerda")
    github.setting(f"memberships/{number}", memberships)
    browser = new_browser(hub)
    page = await browser.sign_in("github_org", login)
    assert await browser.hub_user() == (f"github_org-{login}" if enters else None)
    assert enters or (page.status == 403 and "does not let you in" in page.text)


async def test_what_is_required_holds_under_allow_all_and_teams_are_groups(
    hub: Hub, github: Forge, new_browser: NewBrowser
) -> None:
    number, login = new_account(github, "Hanna")
    github.setting(f"memberships/{number}", {"My-Org": "active", "a:x": "active", "b:y": "active"})
    browser = new_browser(hub)
    page = await browser.sign_in("github_staff", login)
    assert page.status == 403
    assert "not in every organization and team" in page.text
    github.setting(
        f"memberships/{number}", {"My-Org": "active", "My-Org:staff": "active", "a:x": "active", "b:y": "active"}
    )
    await browser.sign_in("github_staff", login)
    user = await hub.user(f"github_staff-{login.lower()}") or {}
    assert sorted(user["groups"]) == ["github_staff:My-Org:staff", "github_staff:a:x", "github_staff:b:y"]


@pytest.mark.parametrize("why", ["sso", "app"])
async def test_an_organization_that_says_nothing_is_named(
    hub: Hub, github: Forge, new_browser: NewBrowser, set_github: Callable[[str, object], None], why: str
) -> None:
    number, login = new_account(github, "ida")
    github.setting(f"memberships/{number}", {"sso-org": "active"})
    set_github("closed", {"sso-org": why})
    browser = new_browser(hub)
    page = await browser.sign_in("github_org", login)
    assert page.status == 403
    assert "sso-org does not let this hub see" in page.text
    assert await browser.hub_user() is None


async def test_whoever_grants_less_is_told_what_is_missing(
    hub: Hub, github: Forge, new_browser: NewBrowser, set_github: Callable[[str, object], None]
) -> None:
    number, login = new_account(github, "jana")
    github.setting(f"memberships/{number}", {"my-org": "active"})
    set_github("granted", ["read:user", "user:email"])
    browser = new_browser(hub)
    page = await browser.sign_in("github_org", login)
    assert page.status == 403
    assert "read:org" in page.text
    set_github("granted", [])
    await browser.sign_in("github_org", login)
    assert await browser.hub_user() == f"github_org-{login}"


async def test_a_github_app_knows_no_scopes_and_whoever_leaves_the_organization_is_out(
    hub: Hub, github: Forge, new_browser: NewBrowser, set_github: Callable[[str, object], None]
) -> None:
    """Its tokens have run out by the next look at the membership, which takes a renewed one."""
    number, login = new_account(github, "klara")
    github.setting(f"memberships/{number}", {"my-org": "active"})
    set_github("app", {"lifetime": 1})
    browser, seen = new_browser(hub), len(github.events())

    def looks() -> list[str]:
        return [event for event in github.events()[seen:] if event.startswith("GET /api/v3/user/memberships/")]

    await browser.sign_in("github_now", login)
    async with asyncio.timeout(60):
        while len(looks()) < 2:
            assert await browser.hub_user() == f"github_now-{login}"
        github.setting(f"memberships/{number}", {})
        while await browser.hub_user() is not None:
            assert looks()
    assert looks()[-1].endswith(" 404")
    tokens = [event for event in github.events()[seen:] if event.startswith("POST /login/oauth/access_token")]
    assert tokens[1:], "the token was never renewed"
    assert set(tokens) == {"POST /login/oauth/access_token token"}


async def test_a_limit_at_a_membership_is_no_refusal(
    hub: Hub, github: Forge, new_browser: NewBrowser, broken: Callable[..., None]
) -> None:
    number, login = new_account(github, "lena")
    github.setting(f"memberships/{number}", {"my-org": "active"})
    broken("/user/memberships/orgs/my-org", 403, x_ratelimit_remaining="0")
    page = await new_browser(hub).sign_in("github_org", login)
    assert page.status == 503
    assert "does not answer, try again" in page.text


@pytest.mark.row("V02")
def test_an_option_that_does_not_exist_stops_the_start(make_hub: Callable[..., Hub], github: Forge) -> None:
    option = "github_organization_whitelist"
    providers = {"github": github.options(**{option: ["my-org"]})}
    hub = make_hub({"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": {"providers": providers}})
    assert f"unknown option {option!r}" in hub.start_and_fail()
