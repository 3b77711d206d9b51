"""What tests of sign-in share: a browser that keeps cookies, accounts with passwords, attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

from hubauth_core import Form, LoginRefused, Request, Secret, SignIn, Step
from hubauth_core.transaction import begin, remember
from hubauth_core.types import Transaction
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account

PASSWORD = "zebra lantern 47 quartz"
CHEAP = {"argon2_unsafe": True, "argon2_memory_cost": 8, "argon2_time_cost": 1}
HERE = "192.0.2.77"


@dataclass
class Browser:
    """The hub's handler as far as sign-in asks it, and what the browser keeps between requests."""

    cookies: dict[str, str] = field(default_factory=dict)
    hub_users: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    hub: Any = field(default_factory=lambda: SimpleNamespace(base_url="/hub/"))
    authenticator: Any = field(default_factory=lambda: SimpleNamespace(normalize_username=str.lower))

    def set_signed_cookie(self, name: str, value: str, **_: Any) -> None:
        self.cookies[name] = value

    def get_signed_cookie(self, name: str, **_: Any) -> bytes | None:
        return self.cookies[name].encode() if name in self.cookies else None

    def find_user(self, name: str) -> Any:
        return self.hub_users.get(name)

    async def render_template(self, name: str, **shown: Any) -> str:
        return f"<{name} {sorted(shown.items())}>"


@dataclass
class Visitor:
    """Somebody at a browser who fills in forms."""

    native: NativeProvider
    address: str = HERE
    browser: Browser | None = None
    transaction: Transaction | None = None

    async def types(self, **fields: str | list[str]) -> SignIn | Step:
        """Send a form; what comes of it. The transaction goes on where there is one more step."""
        form = {name: [value] if isinstance(value, str) else value for name, value in fields.items()}
        request = Request(method="POST", form=form, address=self.address, handler=self.browser)
        known = self.transaction or begin(self.native.name, redirect_uri="https://hub.test/x", next_url="")
        came = await self.native.finish_login(request, known)
        self.transaction = remember(known, came.memo) if isinstance(came, Form) else None
        return came

    async def signs_in(self, username: str = "ann", password: str = PASSWORD) -> SignIn | Step:
        return await self.types(username=username, password=password)

    async def fails(self, username: str = "ann", password: str = "wrong") -> LoginRefused:
        """How an attempt is refused."""
        try:
            came = await self.signs_in(username, password)
        except LoginRefused as refusal:
            return refusal
        raise AssertionError(f"this worked: {came}")


def make(native: NativeProvider, username: str = "ann", password: str | None = PASSWORD, **values: Any) -> Account:
    """An account that is there already."""
    house = native.house
    if password is not None:
        hashed = Secret(house.hasher._hash(password))
        values = {"password_hash": hashed, "password_set_at": 1.0, **values}
    return house.database.write_now(partial(house.accounts.create, username=username, **values))


def now(native: NativeProvider, account: Account) -> Account:
    """The account as it is stored now."""
    found = native.house.accounts.by_id(account.id)
    assert found is not None
    return found
