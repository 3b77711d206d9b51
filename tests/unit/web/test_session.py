"""A recent sign-in counts for one hub user, in one session, for a while; what is kept in a cookie is signed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, roles
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

from hubauth_core.web import session

ANN = SimpleNamespace(id=1, created=datetime(2026, 5, 1, tzinfo=UTC))
BOB = SimpleNamespace(id=2, created=datetime(2026, 5, 1, tzinfo=UTC))
ANN_AGAIN = SimpleNamespace(id=1, created=datetime(2026, 5, 2, tzinfo=UTC))


class Handler(RequestHandler):
    """As much of the hub's handler as there must be; `cookies` are those of one browser."""

    hub = SimpleNamespace(base_url="/hub/")
    cookie_max_age_days = 14.0

    def get_session_cookie(self) -> str | None:
        return self.session_id


def page(cookies: dict[str, str], session_id: str | None = "session", secret: str = "s" * 32) -> Any:
    """A request of a browser with these cookies."""
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection: Any = SimpleNamespace(set_close_callback=lambda callback: None, no_keep_alive=False)
    line = RequestStartLine("GET", "/hub/connections", "HTTP/1.1")
    headers = HTTPHeaders({"Host": "hub.example", "Cookie": header})
    request = HTTPServerRequest(start_line=line, headers=headers, connection=connection)
    handler = Handler(Application(cookie_secret=secret), request)
    handler.session_id = session_id
    return handler


def cookies_of(handler: Any) -> Any:
    return handler._new_cookie


@pytest.fixture
def cookies() -> dict[str, str]:
    """Of a browser that has just signed in as `ann`."""
    handler = page({})
    session.remember(handler, ANN, "https://hub.example/")
    return {name: each.value for name, each in cookies_of(handler).items()}


@pytest.mark.row("R09")
def test_a_recent_sign_in_is_one_users_in_one_session(cookies: dict[str, str]) -> None:
    assert session.signed_in_within(page(cookies), ANN, 60)
    for user in (BOB, ANN_AGAIN):
        assert not session.signed_in_within(page(cookies), user, 60)
    for other in ("another session", None):
        assert not session.signed_in_within(page(cookies, other), ANN, 60)
    assert not session.signed_in_within(page({}), ANN, 60)


def test_it_is_recent_for_a_while(cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 59)
    assert session.signed_in_within(page(cookies), ANN, 60)
    monkeypatch.setattr("time.time", lambda: now + 62)
    assert not session.signed_in_within(page(cookies), ANN, 60)


def test_nobody_makes_one_without_the_hubs_secret(cookies: dict[str, str]) -> None:
    assert not session.signed_in_within(page(cookies, secret="x" * 32), ANN, 60)
    told = session.fingerprint(page({}), ANN)
    assert not session.signed_in_within(page({session.RECENT: told}), ANN, 60)
    renamed = {session.RECENT: page_with_note(told)}
    assert not session.signed_in_within(page(renamed), ANN, 60)


def page_with_note(text: str) -> str:
    """The signed value of another of our cookies."""
    handler = page({})
    session.keep(handler, session.NOTE, text, "")
    value: str = cookies_of(handler)[session.NOTE].value
    return value


def test_a_session_that_begins_with_this_very_answer_counts() -> None:
    handler = page({}, session_id=None)
    handler._session_id = "new"
    session.remember(handler, ANN, "")
    cookies = {name: each.value for name, each in cookies_of(handler).items()}
    assert session.signed_in_within(page(cookies, "new"), ANN, 60)


@pytest.mark.parametrize(
    ("public_url", "secure"), [("https://hub.example/", True), ("http://hub.example/", ""), ("", "")]
)
def test_cookies_are_for_our_pages_alone(public_url: str, secure: object) -> None:
    handler = page({})
    session.remember(handler, ANN, public_url)
    cookie = cookies_of(handler)[session.RECENT]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/hub/", True, "Lax")
    assert (cookie["secure"], cookie["expires"]) == (secure, "")


def test_what_was_kept_is_read_and_dropped() -> None:
    handler = page({session.NOTE: page_with_note("connected:uni")})
    assert session.recall(handler, session.NOTE, 60) == "connected:uni"
    session.drop(handler, session.NOTE)
    assert cookies_of(handler)[session.NOTE].value == ""
    assert session.recall(page({session.NOTE: "connected:uni"}), session.NOTE, 60) == ""


@pytest.mark.row("R21")
def test_which_source_made_a_session_is_known_for_its_user_alone() -> None:
    handler = page({}, session_id=None)
    handler._session_id = "new"
    session.begin(handler, ANN, "uni", "")
    kept = {session.MADE_WITH: cookies_of(handler)[session.MADE_WITH].value}
    assert session.made_with(page(kept), ANN) == "uni"
    for user in (BOB, ANN_AGAIN):
        assert session.made_with(page(kept), user) == ""
    assert session.made_with(page({}), ANN) == ""
    assert session.made_with(page({session.MADE_WITH: page_with_note("uni")}), ANN) == ""


class Browsing:
    """As much of the hub's handler as a sign-in needs, in front of a real table of tokens."""

    def __init__(self, db: Any, earlier: Any, session_id: str) -> None:
        self.db, self.earlier, self.sent, self.set = db, earlier, session_id, list[str]()

    def get_cookie(self, name: str) -> str:
        return self.sent

    def get_session_cookie(self) -> str:
        return str(vars(self).get("_session_id", self.sent))

    def get_current_user_cookie(self) -> Any:
        return self.earlier

    def set_session_cookie(self) -> None:
        self._session_id = "new"

    def set_hub_cookie(self, user: Any) -> None:
        self.set.append(user.name)

    set_login_cookie = set_hub_cookie


@pytest.mark.row("7.2.4")
@pytest.mark.parametrize(
    ("earlier", "left"),
    [("ann", {"ann": "new", "bob": "old"}), ("bob", {"ann": "new"}), (None, {"ann": "new", "bob": "old"})],
)
def test_what_was_open_in_a_browser_goes_over_or_ends(earlier: str | None, left: dict[str, str]) -> None:
    """Ann signs in where a session of hers, of Bob's or of nobody's was; both have a server open in one of that id."""
    with orm.new_session_factory("sqlite:///:memory:")() as db:
        for role in roles.get_default_roles():
            roles.create_role(db, role)
        db.add(orm.OAuthClient(identifier="jupyterhub"))
        people = {name: orm.User(name=name) for name in ("ann", "bob")}
        db.add_all(people.values())
        db.commit()
        for each in people.values():
            each.new_api_token(session_id="old")
        handler = Browsing(db, people.get(earlier or ""), "old")
        session._renew(handler, people["ann"])
        assert {token.user.name: token.session_id for token in db.query(orm.APIToken)} == left
        assert handler.set == ["ann", "ann"]
        db.rollback()
        db.get_bind().dispose()
