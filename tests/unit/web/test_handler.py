"""What our pages share: where `next` may lead, what of a request is logged, and that a transaction counts once."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.handlers.base import BaseHandler
from tornado import web
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from hubauth_core import LoginRefused
from hubauth_core.builtin.wrapped.handlers import WrappedHandler
from hubauth_core.signin import Admitted
from hubauth_core.transaction import UsedStates, begin
from hubauth_core.types import Form, Request, Transaction
from hubauth_core.web.handler import HubAuthHandler
from hubauth_core.web.pages import SourcesHandler


def asked(address: str) -> HTTPServerRequest:
    """A request as it comes in."""
    line = RequestStartLine("GET", address, "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "hub.example"}))


class AtJupyter:
    """As much of a handler as `safe_next` needs: a hub below `/jupyter/`."""

    settings = {"base_url": "/jupyter/"}
    subdomain_host = ""
    log = logging.getLogger("test")
    request = asked("/")
    _validate_next_url = BaseHandler._validate_next_url


@pytest.mark.row("V13")
@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/jupyter/hub/token?a=b", "/jupyter/hub/token?a=b"),
        ("/jupyter/user/ann/lab/tree/x..y", "/jupyter/user/ann/lab/tree/x..y"),
        ("/elsewhere", ""),
        ("/jupyterhub/x", ""),
        ("/jupyter/../elsewhere", ""),
        ("/jupyter/%2e%2e/elsewhere", ""),
        ("/jupyter/.%2E/elsewhere", ""),
        ("/jupyter/..%2felsewhere", ""),
    ],
)
def test_next_stays_below_base_url(wanted: str, leads_to: str) -> None:
    page: Any = AtJupyter()
    assert HubAuthHandler.safe_next(page, wanted) == leads_to


@pytest.mark.row("B3")
@pytest.mark.parametrize("handler", [HubAuthHandler, WrappedHandler])
@pytest.mark.parametrize("error", [web.HTTPError(403, "Not you."), RuntimeError("Odd.")], ids=repr)
def test_an_exception_logs_no_code_and_no_state(
    handler: type[Any], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    page = object.__new__(handler)
    page.request = asked("/hub/auth/uni/callback?code=canary&state=canary")
    page.request.remote_ip = "192.0.2.1"
    page.log_exception(type(error), error, None)
    assert "/hub/auth/uni/callback" in caplog.text
    assert "canary" not in caplog.text
    assert page.request.uri.endswith("state=canary")


class Steps:
    """As much of a page as `take` needs. `answers` are what the flow makes of one attempt after the other."""

    def __init__(self, *answers: Any) -> None:
        self.host = SimpleNamespace(used=UsedStates(), welcome=self._welcome)
        self.flow = SimpleNamespace(finish=self._finish)
        self.hub = SimpleNamespace(base_url="/hub/")
        self.answers = list(answers)
        self.arrived = self.steps = self.sent_on = 0

    async def _welcome(self, page: object, admitted: object) -> str:
        return "ann"

    async def _finish(self, *arguments: object) -> Any:
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def go_on(self, *arguments: object) -> None:
        self.steps += 1

    def arrive(self, *arguments: object) -> None:
        self.arrived += 1

    def drop(self, name: str) -> None:
        """The cookie goes."""

    def safe_next(self, wanted: str) -> str:
        return wanted

    def redirect(self, url: str) -> None:
        self.sent_on += 1

    async def take(self, transaction: Transaction, *, once_only: bool) -> None:
        provider: Any = SimpleNamespace(name="uni")
        page: Any = self
        await SourcesHandler.take(page, provider, Request(), transaction, once_only=once_only)


ADMITTED = object.__new__(Admitted)
WRONG = LoginRefused("Wrong.", code="bad_credentials")


@pytest.fixture
def transaction() -> Transaction:
    return begin("uni", redirect_uri="https://hub.example/hub/auth/uni/callback", next_url="")


@pytest.mark.row("R03", "X17")
async def test_a_form_may_be_tried_again_until_it_has_led_to_a_session(transaction: Transaction) -> None:
    page = Steps(Form(), WRONG, ADMITTED, ADMITTED)
    await page.take(transaction, once_only=False)
    with pytest.raises(LoginRefused):
        await page.take(transaction, once_only=False)
    await page.take(transaction, once_only=False)
    assert (page.steps, page.arrived) == (1, 1)
    await page.take(transaction, once_only=False)  # a replay
    assert (page.arrived, page.sent_on, page.answers) == (1, 1, [ADMITTED])


@pytest.mark.row("R03", "X17")
async def test_the_answer_of_a_source_is_taken_once_even_if_it_was_refused(transaction: Transaction) -> None:
    page = Steps(WRONG, ADMITTED)
    for _ in range(2):
        with pytest.raises(LoginRefused):
            await page.take(transaction, once_only=True)
    assert (page.arrived, page.answers) == (0, [ADMITTED])


@pytest.mark.row("R03", "F12")
async def test_a_form_sent_twice_at_once_is_looked_at_once(transaction: Transaction) -> None:
    page = Steps(ADMITTED, ADMITTED)
    await asyncio.gather(*(page.take(transaction, once_only=False) for _ in range(2)))
    assert (page.arrived, page.sent_on, page.answers) == (1, 1, [ADMITTED])
