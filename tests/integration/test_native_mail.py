"""A mail server that is down, slow or unfriendly, and options about mail that stop the start, on a real hub."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import hubs
from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub
from harness.mail_scene import PASSWORD, MailScene, config
from harness.ports import free_port
from harness.smtp import Sink, sink, text_of
from harness.waiting import until

pytestmark = hubs.newest_only
NewBrowser = Callable[[Hub], Browser]
TROUBLE = "SELECT trouble FROM hubauth_native_mails WHERE trouble != ''"


@pytest.mark.row("F18")
async def test_a_mail_server_that_is_down_changes_no_answer_and_loses_no_mail(
    start_hub: StartHub, new_browser: NewBrowser
) -> None:
    down = Sink("127.0.0.1", free_port())
    scene = MailScene(start_hub(config(down)), down)
    browser = new_browser(scene.hub)
    scene.add("ann")
    scene.add("ben")
    for who in ("ann", "nobody"):
        page = await browser.follow(await scene.ask(browser, who))
        assert (page.status, "a link is on its way there" in page.text) == (200, True)
    await scene.enter(browser, "ann")
    page = await browser.open(scene.path("account"))
    page = await browser.submit(page.form("account/email"), email="ann@new.test", proof=PASSWORD)
    assert page.status == 303
    await until(lambda: "the mail server 127.0.0.1: cannot be reached; mails wait" in scene.hub.log)
    await until(lambda: len(scene.rows(TROUBLE)) == 3)
    assert set(scene.rows(TROUBLE)) == {("cannot be reached",)}
    scene.hub.restart()
    with sink(port=down.port) as up:
        await up.mail_to("ann@new.test")
        await up.mail_to("ann@people.test", "was asked for")
        link = next(text for mail in up.mails_to("ann@people.test") if "token=" in (text := text_of(mail)))
        await until(lambda: scene.rows("SELECT * FROM hubauth_native_mails") == [])
    assert "reset?token=" in link
    assert scene.hub.log.count("cannot be reached; mails wait") <= 2, "once by each process"


@pytest.mark.row("F18")
async def test_a_mailbox_that_is_slow_or_bounces_holds_up_nobody(shared_hub: StartHub, new_browser: NewBrowser) -> None:
    with sink() as post:
        scene = MailScene(shared_hub(config(post, smtp_timeout=1.0)), post)
        browser = new_browser(scene.hub)
        for name in ("slow", "bounce", "cleo"):
            scene.add(name)
            assert (await scene.ask(browser, name)).status == 303
        await post.mail_to("cleo@people.test")
        await until(lambda: sorted(scene.rows(TROUBLE)) == [("no answer",), ("refused (550)",)])
        await scene.enter(browser, "slow")


@pytest.mark.row("S02")
def test_mails_need_the_hubs_own_address(make_hub: Callable[..., Hub]) -> None:
    text = config(Sink("127.0.0.1", 25)).replace("c.JupyterHub.public_url = HUB_URL\n", "")
    log = make_hub(text).start_and_fail()
    assert "'smtp_host' is set, but c.JupyterHub.public_url is not." in log
    assert "Traceback" not in log
