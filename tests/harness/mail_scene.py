"""A hub with accounts of its own and a mail server, and what both wrote down."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argon2 import PasswordHasher

from hubauth_core import Secret
from hubauth_core.database import Database, open_database
from hubauth_native.accounts import Account, Accounts

from .browser import Browser, Page
from .hub import Hub
from .smtp import Sink, link_in, text_of
from .waiting import until

NAME = "local"
PASSWORD = "a long walk by the sea"
"""What everybody has for a password until they change it."""

CHEAP: Mapping[str, Any] = {"argon2_memory_cost": 8, "argon2_time_cost": 1, "argon2_unsafe": True}
"""Options with which a password is hashed in no time."""

KINDS = ("sign_in", "reset", "link", "password", "email", "verify")
LIMITS = {"limits": {kind: {"address": "1000/m"} for kind in KINDS}}
"""Every test comes from one address."""

_HASHER = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


def config(sink: Sink | None, **options: Any) -> str:
    """A hub whose one provider `local` mails by the sink."""
    mail = sink.options() if sink else {}
    local = {"type": "native", "allow_all": True, **CHEAP, **LIMITS, **mail, **options}
    section = {"providers": {NAME: local}, "audit_log": "audit.jsonl"}
    return (
        "c.JupyterHub.authenticator_class = 'hubauth'\n"
        "c.JupyterHub.public_url = HUB_URL\n"
        f"c.HubAuthenticator.update({section!r})\n"
    )


@dataclass
class MailScene:
    """A running hub, the accounts behind it, and its mail server."""

    hub: Hub
    post: Sink = field(default_factory=lambda: Sink("", 0))

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

    def set(self, account: Account, **columns: Any) -> None:
        """Change columns of an account behind the hub's back."""
        with sqlite3.connect(self.hub.directory / "hubauth.sqlite", timeout=30) as store:
            names = ", ".join(f"{name} = ?" for name in columns)
            store.execute(f"UPDATE hubauth_native_accounts SET {names} WHERE id = ?", (*columns.values(), account.id))

    async def sign_in(self, browser: Browser, name: str, password: str = PASSWORD) -> Page:
        """Sign in with the form of the sign-in page."""
        return await browser.sign_in_with_form(NAME, name, password)

    async def enter(self, browser: Browser, name: str, password: str = PASSWORD) -> None:
        """The same; it has to work."""
        page = await self.sign_in(browser, name, password)
        assert await browser.hub_user() == name, page.text

    async def ask(self, browser: Browser, who: str) -> Page:
        """Say whose password is forgotten: what the form answers."""
        await browser.open(self.path("forgotten"))
        return await browser.post(self.path("forgotten"), {"_xsrf": browser.xsrf, "who": who})

    async def mailed_link(self, browser: Browser, name: str) -> str:
        """Ask for a link to a new password, and open the mail."""
        before = len(self.links_to(f"{name}@people.test"))
        assert (await self.ask(browser, name)).status == 303
        return await self.link_to(f"{name}@people.test", before)

    async def link_to(self, address: str, before: int = 0) -> str:
        """The newest link that was mailed to an address, once there are more than `before`."""
        await until(lambda: len(self.links_to(address)) > before)
        return self.links_to(address)[-1]

    def links_to(self, address: str) -> list[str]:
        """Every link that was mailed to an address so far."""
        mails = (mail for mail in self.post.mails_to(address) if "token=" in text_of(mail))
        return [link_in(mail) for mail in mails]

    async def ended(self, account: Account) -> None:
        """Wait until all that had to end of an account has ended."""
        query = "SELECT * FROM hubauth_native_endings WHERE account_id = ?"
        await until(lambda: self.rows(query, account.id) == [])

    def path(self, page: str) -> str:
        """A page of the provider."""
        return f"/hub/auth/{NAME}/{page}"

    def events(self, kind: str = "", name: str = "") -> list[dict[str, Any]]:
        """The audit trail, or what of it is of one kind, or about one account."""
        trail = self.hub.directory / "audit.jsonl"
        found = [json.loads(line) for line in trail.read_text().splitlines()] if trail.exists() else []
        return [each for each in found if kind in ("", each["kind"]) and name in ("", each.get("username"))]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds in hubauth's database."""
        with sqlite3.connect(f"file:{self.hub.directory / 'hubauth.sqlite'}?mode=ro", uri=True) as store:
            return store.execute(query, values).fetchall()
