"""What our pages share: where `next` may lead, and what of a request is logged."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.handlers.base import BaseHandler
from tornado import web
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from hubauth_core.builtin.wrapped.handlers import WrappedHandler
from hubauth_core.web.handler import HubAuthHandler


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


class AtTwoNames:
    """As much of a handler as `callback_url` needs: a request that came under some name."""

    hub = SimpleNamespace(base_url="/hub/")
    callback_url = HubAuthHandler.callback_url
    page_url = HubAuthHandler.page_url

    def __init__(self, host: str, public_url: str = "") -> None:
        self.host = SimpleNamespace(public_url=public_url, oauth_callback_provider="")
        self.request = asked("/hub/auth/uni/login")
        self.request.headers["Host"] = self.request.host = host


@pytest.mark.row("R21")
@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("hub.example", "http://hub.example/cb"),
        ("other.example", "http://other.example:80/x"),
        ("evil.example", "http://hub.example/cb"),
    ],
)
def test_of_several_callbacks_the_one_of_the_address_asked_and_never_another(host: str, taken: str) -> None:
    provider: Any = SimpleNamespace(name="uni", redirect_url=["http://hub.example/cb", "http://other.example:80/x"])
    page: Any = AtTwoNames(host, "https://public.example/")
    assert page.callback_url(provider) == taken
    assert page.page_url(provider, "logged-out") == taken.rpartition("/")[0] + "/hub/auth/uni/logged-out"


@pytest.mark.parametrize(
    ("configured", "public_url", "origin"),
    [
        ("", "", "http://asked.example"),
        ("", "https://public.example/", "https://public.example"),
        ("https://own.example/cb", "https://public.example/", "https://own.example"),
    ],
)
def test_where_a_source_sends_the_browser_back_to(configured: str, public_url: str, origin: str) -> None:
    page: Any = AtTwoNames("asked.example", public_url)
    provider: Any = SimpleNamespace(name="uni", redirect_url=configured)
    assert page.page_url(provider, "logged-out") == f"{origin}/hub/auth/uni/logged-out"
    assert page.callback_url(provider) == (configured or f"{origin}/hub/auth/uni/callback")
