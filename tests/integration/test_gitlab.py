"""A real hub signs people in through two GitLabs at once; both are stand-ins after GitLab's documentation."""

from __future__ import annotations

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


@pytest.fixture
def hub(shared_hub: StartHub, gitlab: Forge, second_gitlab: Forge) -> Hub:
    providers = {
        "gitlab": gitlab.options(allow_all=True),
        "gitlab_corp": second_gitlab.options(label="Corp GitLab", allow_all=True, blocked_users=["ben"]),
    }
    hub = shared_hub({"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": {"providers": providers}})
    gitlab.allow(hub, "gitlab")
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
