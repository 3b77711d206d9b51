"""The page about sessions says what is so: its numbers are the defaults, and it names every way in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jupyterhub.app import JupyterHub

from hubauth_core.authenticator import HubAuthenticator
from hubauth_core.discovery import Discovery
from hubauth_core.oauth2 import OAuth2Provider
from hubauth_core.registry import Registry
from hubauth_core.transaction import LIFETIME
from hubauth_core.web.connections import HANDLERS as CONNECTIONS
from hubauth_core.web.leaving import HANDLERS as LEAVING
from hubauth_core.web.pages import HANDLERS as PAGES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/sessions.md").read_text()
WRITES = re.compile(r"write|admin|delete|repo\b|\bapi\b|full|manage")


def default(cls: type, option: str) -> float:
    return float(cls.class_traits()[option].default_value)  # type: ignore[attr-defined]


def row_of(option: str) -> str:
    """The row of the table of times that names an option."""
    [found] = [line for line in PAGE.splitlines() if line.startswith("|") and f".{option}`" in line]
    return found


@pytest.mark.row("7.1.1", "7.6.1", "P11")
@pytest.mark.parametrize(
    ("cls", "option", "unit"),
    [
        (JupyterHub, "cookie_max_age_days", "days"),
        (HubAuthenticator, "auth_refresh_age", "s"),
        (HubAuthenticator, "recent_sign_in", "s"),
    ],
)
def test_the_times_on_the_page_are_the_defaults(cls: type, option: str, unit: str) -> None:
    assert f"{default(cls, option):g} {unit}" in row_of(option)


@pytest.mark.row("7.1.1")
def test_idle_sessions_live_like_others_by_default() -> None:
    assert default(HubAuthenticator, "session_idle") == 0
    assert "as long as any other" in row_of("session_idle")
    assert f"| {LIFETIME / 60:g} minutes |" in PAGE


@pytest.mark.row("7.1.2", "7.1.3", "7.6.1")
@pytest.mark.parametrize("said", ["Any number, in any number of browsers", "## What it has to do with the source's"])
def test_it_says_how_many_and_how_they_relate_to_the_sources(said: str) -> None:
    assert said in PAGE


@pytest.mark.row("6.1.3", "6.3.4")
@pytest.mark.parametrize(
    "way",
    [
        *("a provider's button", "wrapped authenticator", "name and a password", "passkey", "one-time link"),
        *("API token", "identity that is connected", "POST /hub/login", "terminal", "recovery code"),
    ],
)
def test_every_way_in_stands_there(way: str) -> None:
    assert way in PAGE.partition("## Ways in")[2]


@pytest.mark.row("C47")
def test_what_needs_cookies_in_a_frame_is_absent_and_the_page_says_why() -> None:
    assert "Front-channel logout and session management by iframe are absent" in PAGE
    routes = [route[0] for route in (*PAGES, *LEAVING, *CONNECTIONS)]
    assert not [route for route in routes if "front" in route or "iframe" in route]


@pytest.mark.row("10.2.3")
def test_no_type_asks_for_more_than_who_somebody_is_by_default() -> None:
    discovery = Discovery()
    types = [Registry(discovery).type_of(name) for name in discovery.names()]
    asking = [cls for cls in types if issubclass(cls, OAuth2Provider)]
    assert len(asking) > 3
    for cls in asking:
        assert not [scope for scope in cls.default_scope if WRITES.search(scope)], cls
