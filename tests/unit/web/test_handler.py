"""What our pages share: where `next` may lead, and what of a request is logged."""

from __future__ import annotations

import logging
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
