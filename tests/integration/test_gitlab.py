"""A real hub signs people in through two GitLabs at once; both are stand-ins after GitLab's documentation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from harness import counterparts
from harness.browser import Browser
from harness.counterparts import Forge
from harness.hub import Hub
from harness.hubs import StartHub, newest_only

pytestmark = newest_only

NewBrowser = Callable[[Hub], Browser]
numbers = count(80_001)


@pytest.fixture(scope="session")
def second_gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A GitLab of somebody else's, with accounts of its own under the same numbers and names."""
    with counterparts.gitlab(tmp_path_factory.mktemp("second-gitlab")) as running:
        yield running


@pytest.fixture(scope="session")
def crypt_key() -> str:
    """The key with which the hub keeps the tokens that it asks about memberships with."""
    return secrets.token_hex(32)


@pytest.fixture
def hub(shared_hub: StartHub, gitlab: Forge, second_gitlab: Forge, crypt_key: str) -> Hub:
    providers = {
        "gitlab": gitlab.options(allow_all=True),
        "gitlab_corp": second_gitlab.options(label="Corp GitLab", allow_all=True, blocked_users=["ben"]),
        "gitlab_group": gitlab.options(
            label="By group",
            allowed_gitlab_groups=["top/sub"],
            minimum_access_level="developer",
            allowed_project_ids=["top/other"],
            gitlab_groups_as_groups=True,
        ),
        "gitlab_must": gitlab.options(label="All of it", allow_all=True, required_gitlab_groups=["top", 4]),
    }
    section = {"providers": providers, "manage_groups": True}
    config = {"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": section}
    hub = shared_hub(config, environment={"JUPYTERHUB_CRYPT_KEY": crypt_key})
    for provider in ("gitlab", "gitlab_group", "gitlab_must"):
        gitlab.allow(hub, provider)
    second_gitlab.allow(hub, "gitlab_corp")
    return hub


@pytest.fixture
def browser(hub: Hub, new_browser: NewBrowser) -> Browser:
    return new_browser(hub)


@pytest.mark.row("V39", "B4", "R01")
async def test_the_same_number_and_name_at_two_gitlabs_is_two_people(
    hub: Hub, browser: Browser, new_browser: NewBrowser
) -> None:
    other = new_browser(hub)
    await browser.sign_in("gitlab", "ann")
    await other.sign_in("gitlab_corp", "ann")
    assert await browser.hub_user() == "gitlab-ann"
    assert await other.hub_user() == "gitlab_corp-ann"


@pytest.mark.row("B1")
async def test_sign_ins_at_both_under_way_in_one_browser(browser: Browser) -> None:
    ours, theirs = await browser.begin("gitlab"), await browser.begin("gitlab_corp")
    from_theirs = await browser.follow_to_callback(theirs, "unconfirmed")
    from_ours = await browser.follow_to_callback(ours, "unconfirmed")
    await browser.open(from_ours)
    assert await browser.hub_user() == "gitlab-unconfirmed"
    await browser.open(from_theirs)
    assert await browser.hub_user() == "gitlab_corp-unconfirmed"


@pytest.mark.row("R01", "R07", "B2")
async def test_the_answer_of_one_at_the_callback_of_the_other(hub: Hub, browser: Browser, second_gitlab: Forge) -> None:
    callback = await browser.follow_to_callback(await browser.begin("gitlab"), "ann")
    seen = second_gitlab.events()
    page = await browser.open(callback.replace("/auth/gitlab/", "/auth/gitlab_corp/"))
    assert page.status in range(400, 500)
    assert await browser.hub_user() is None
    assert second_gitlab.events() == seen, "the code of one GitLab was sent to the other"


async def test_a_rule_of_one_is_no_rule_of_the_other(hub: Hub, browser: Browser, new_browser: NewBrowser) -> None:
    other = new_browser(hub)
    await browser.sign_in("gitlab", "ben")
    page = await other.sign_in("gitlab_corp", "ben")
    assert await browser.hub_user() == "gitlab-ben"
    assert page.status == 403
    assert await other.hub_user() is None


@pytest.mark.parametrize("state", ["blocked", "deactivated", "banned", "blocked_pending_approval"])
async def test_an_account_that_is_not_in_use_stays_out(hub: Hub, browser: Browser, gitlab: Forge, state: str) -> None:
    number = next(numbers)
    gitlab.account(number, username=f"left{number}", state=state)
    page = await browser.sign_in("gitlab", f"left{number}")
    assert page.status == 403
    assert "not active" in page.text
    assert await browser.hub_user() is None
    assert f"gitlab-left{number}" not in await hub.user_names()


@pytest.mark.row("V36")
async def test_a_renamed_account_keeps_its_hub_user_and_its_old_name_is_taken(
    hub: Hub, gitlab: Forge, new_browser: NewBrowser
) -> None:
    number = next(numbers)
    old, new = f"old{number}", f"new{number}"
    gitlab.account(number, username=old)
    before, renamed, stranger = (new_browser(hub) for _ in range(3))
    await before.sign_in("gitlab", old)
    gitlab.account(number, username=new)
    gitlab.account(next(numbers), username=old)
    await renamed.sign_in("gitlab", new)
    page = await stranger.sign_in("gitlab", old)
    assert await renamed.hub_user() == f"gitlab-{old}"
    assert page.status == 403
    assert "taken" in page.text
    assert await stranger.hub_user() is None


def new_member(gitlab: Forge, **memberships: dict[str, object]) -> str:
    """A new account, in groups and projects that are written with `__` for a slash."""
    number = next(numbers)
    gitlab.account(number, username=f"member{number}")
    gitlab.setting(f"members/{number}", {path.replace("__", "/"): member for path, member in memberships.items()})
    return f"member{number}"


@pytest.mark.parametrize(
    "memberships",
    [
        {"top__sub": {"access_level": 30}},
        {"top": {"access_level": 50}},
        {"top__sub": {"access_level": 40, "expires_at": "2999-01-01"}},
        {"top__other": {"access_level": 30}},
    ],
    ids=["member", "of-the-group-above", "for-long", "of-a-project"],
)
async def test_members_of_an_allowed_group_or_project_enter(
    browser: Browser, gitlab: Forge, memberships: dict[str, dict[str, object]]
) -> None:
    name = new_member(gitlab, **memberships)
    await browser.sign_in("gitlab_group", name)
    assert await browser.hub_user() == f"gitlab_group-{name}"


@pytest.mark.row("V01")
@pytest.mark.parametrize(
    "memberships",
    [
        {},
        {"top-sub": {"access_level": 50}, "TOPS": {"access_level": 50}},
        {"top__sub__below": {"access_level": 50}},
        {"top__sub": {"access_level": 20}},
        {"top__sub": {"access_level": 50, "expires_at": "2001-01-01"}},
        {"top__sub": {"access_level": 50, "membership_state": "awaiting"}},
        {"top__other": {"access_level": 20}, "top__sub__project": {"access_level": 50}},
    ],
    ids=["stranger", "named-alike", "of-a-subgroup", "too-little", "expired", "awaiting", "of-another-project"],
)
async def test_nobody_else_enters(browser: Browser, gitlab: Forge, memberships: dict[str, dict[str, object]]) -> None:
    page = await browser.sign_in("gitlab_group", new_member(gitlab, **memberships))
    assert page.status == 403
    assert await browser.hub_user() is None


@pytest.mark.row("V01")
async def test_a_group_that_cannot_be_read_lets_nobody_in(browser: Browser, gitlab: Forge) -> None:
    name = new_member(gitlab, top={"access_level": 50})
    gitlab.setting("forbidden", ["top", "top/sub", "top/other"])
    try:
        page = await browser.sign_in("gitlab_group", name)
        assert page.status == 403
        assert "does not show this hub" in page.text
        assert (await browser.sign_in("gitlab_must", name)).status == 403
        assert await browser.hub_user() is None
    finally:
        gitlab.setting("forbidden", [])


async def test_what_is_required_holds_under_allow_all_and_groups_are_groups(
    hub: Hub, browser: Browser, gitlab: Forge, new_browser: NewBrowser
) -> None:
    below, above = (
        new_member(gitlab, top__sub__below={"access_level": 30}),
        new_member(gitlab, top={"access_level": 30}),
    )
    page = await browser.sign_in("gitlab_must", below)
    assert page.status == 403
    assert "not in every group" in page.text
    await browser.sign_in("gitlab_must", above)
    assert await browser.hub_user() == f"gitlab_must-{above}"
    await new_browser(hub).sign_in("gitlab_group", above)
    groups = (await hub.user(f"gitlab_group-{above}") or {})["groups"]
    assert sorted(groups) == ["gitlab_group:top", "gitlab_group:top/sub", "gitlab_group:top/sub/below"]


async def test_a_wrong_secret_is_the_administrators_matter(
    shared_hub: StartHub, gitlab: Forge, new_browser: NewBrowser
) -> None:
    options = gitlab.options(client_secret="of yesterday", allow_all=True)
    hub = shared_hub(
        {"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": {"providers": {"gitlab": options}}}
    )
    gitlab.allow(hub, "gitlab")
    page = await new_browser(hub).sign_in("gitlab", "ann")
    assert page.status >= 500
    assert "administrators" in page.text
