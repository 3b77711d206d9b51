"""A hub with accounts of its own and a mail server, and what both wrote down."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.smtp import Sink
from hubauth_core import Secret
from hubauth_core.database import Database, open_database
from hubauth_native.accounts import Account, Accounts

NAME = "local"
PASSWORD = "a long walk by the sea"
"""What everybody has for a password until they change it."""

CHEAP: Mapping[str, Any] = {"argon2_memory_cost": 8, "argon2_time_cost": 1, "argon2_unsafe": True}
"""Options with which a password is hashed in no time."""

MANY: Mapping[str, str] = {"address": "100000/m", "overall": "100000/m"}
"""Limits for tests, which all come from one address."""

_HASHER = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


def config(sink: Sink | None, *, others: Mapping[str, Any] | None = None, **options: Any) -> str:
    """A hub whose provider `local` mails by the sink; `others` are further providers."""
    mail = sink.options() if sink else {}
    local = {"type": "native", "allow_all": True, **CHEAP, "limits": {"sign_in": {**MANY}}, **mail, **options}
    section = {"providers": {NAME: local, **(others or {})}, "audit_log": "audit.jsonl"}
    return (
        "c.JupyterHub.authenticator_class = 'hubauth'\n"
        "c.JupyterHub.public_url = HUB_URL\n"
        f"c.HubAuthenticator.update({section!r})\n"
    )


@dataclass
class NativeScene:
    """A running hub, the accounts behind it, and its mail server."""

    hub: Hub
    sink: Sink | None = None

    def database(self) -> Database:
        """hubauth's own, as another process sees it; to be closed."""
        return open_database(f"sqlite:///{self.hub.directory / 'hubauth.sqlite'}")

    def add(self, name: str, *, password: str | None = PASSWORD, email: str | None = "", **values: Any) -> Account:
        """An account; by default with a proved address `<name>@people.test`."""
        email = f"{name}@people.test" if email == "" else email
        stored = Secret("nfc" + _HASHER.hash(password)) if password else None
        known = {"email": email, "email_verified": bool(email), "password_hash": stored, "password_set_at": time.time()}
        database = self.database()
        try:
            accounts = Accounts(database, NAME)
            return database.write_now(lambda connection: accounts.create(connection, name, **known | values))
        finally:
            database.close()

    def account(self, name: str) -> Account:
        """The account as it is now."""
        database = self.database()
        try:
            found = Accounts(database, NAME).by_name(name)
        finally:
            database.close()
        assert found is not None, name
        return found

    async def sign_in(self, browser: Browser, name: str, password: str = PASSWORD) -> Page:
        """Sign in with the form of the sign-in page."""
        return await browser.sign_in_with_form(NAME, name, password)

    async def enter(self, browser: Browser, name: str, password: str = PASSWORD) -> None:
        """The same; it has to work."""
        page = await self.sign_in(browser, name, password)
        assert await browser.hub_user() == name, page.text

    def path(self, page: str) -> str:
        """A page of the provider."""
        return f"/hub/auth/{NAME}/{page}"

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The audit trail, or what of it is of one kind."""
        trail = self.hub.directory / "audit.jsonl"
        found = [json.loads(line) for line in trail.read_text().splitlines()] if trail.exists() else []
        return [each for each in found if kind in ("", each["kind"])]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds in hubauth's database."""
        with sqlite3.connect(f"file:{self.hub.directory / 'hubauth.sqlite'}?mode=ro", uri=True) as store:
            return store.execute(query, values).fetchall()
