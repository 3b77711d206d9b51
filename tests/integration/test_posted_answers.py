"""An answer that the browser posts from the source's own site comes without our cookies, and ends the sign-in all the
same. On the oldest hub; tests/integration/test_social.py has it on the newest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub

SOURCE = """
from hubauth_core import Identity, Provider, Redirect, SignIn, hookimpl

class Posting(Provider):
    answers_by_post = True
    by_itself = False

    def state_of(self, request):
        return request.form.get("RelayState", [None])[0]

    def start(self, core):
        if self.name == "closed":
            raise OSError("it needs what is not there")

    async def begin_login(self, request, transaction):
        return Redirect(url="https://source.example/?state=" + transaction.state)

    async def finish_login(self, request, transaction):
        assert set(request.form) == {"RelayState", "document", "who"}
        [who] = request.form["who"]
        return SignIn(identity=Identity(subject=who, username=who))

@hookimpl
def hubauth_provider_type():
    return Posting
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment in which a distribution with this type is installed."""
    folder = tmp_path / "site"
    info = folder / "hubauth_test_posting-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "hubauth_test_posting.py").write_text(SOURCE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hubauth-test-posting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hubauth]\nposting = hubauth_test_posting\n")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.row("V11")
@pytest.mark.parametrize("hub_python", ["5.2.1"], indirect=True)
async def test_a_posted_answer_is_posted_again_from_here(
    start_hub: StartHub, installed: dict[str, str], new_browser: Callable[[Hub], Browser]
) -> None:
    section = {"providers": {"posting": {"allow_all": True}, "closed": {"type": "posting", "allow_all": True}}}
    section["on_broken_provider"] = "disable"
    config = {"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": section}
    hub = start_hub(config, environment=installed)
    browser, without_cookies = new_browser(hub), new_browser(hub)
    page = await browser.begin("posting")
    address = hub.callback_url("posting")
    answer = {"RelayState": page.query["state"], "document": "x" * 60_000, "who": "ann"}
    elsewhere = {"Sec-Fetch-Site": "cross-site"}

    page = await without_cookies.post(address, answer, headers=elsewhere)
    assert not page.response.headers.get_list("set-cookie"), "the browser's own cookies would be lost"
    forged = await browser.post(address, {**page.form("/callback").fields}, headers=elsewhere)
    assert forged.status == 403
    for huge in {"document": "x" * 300_000}, {f"f{number}": "x" for number in range(200)}:
        assert (await without_cookies.post(address, huge, headers=elsewhere)).status == 400
    closed = await without_cookies.post(hub.callback_url("closed"), answer, headers=elsewhere)
    assert (closed.status, "not available now" in closed.text) == (503, True)
    assert await browser.hub_user() is None

    assert (await browser.submit(page.form("/callback"))).status == 302
    assert await browser.hub_user() == "posting-ann"
