"""A hub with accounts of its own, and those who look after them: staff of another provider, and services."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import Connection

from harness.browser import Browser
from harness.mail_scene import NAME, MailScene
from hubauth_native.accounts import Accounts

from .native_hub import config

PASSWORD = "staff password"

STAFF = {
    "type": "authenticator",
    "authenticator_class": "dummy",
    "username_prefix": "staff-",
    "admin_users": ["boss"],
    "adopt": ["staff-helper", "staff-manager", "staff-reader", "staff-tutor"],
    "config": {"DummyAuthenticator": {"password": PASSWORD, "allow_all": True}},
}

RIGHTS = """
MANAGE, READ = "custom:hubauth:accounts:manage", "custom:hubauth:accounts:read"
c.JupyterHub.load_groups = {"course": {"users": ["pupil"]}}
c.JupyterHub.services += [
    {"name": name, "api_token": f"token-of-{name}"} for name in ("keeper", "watcher", "users", "tutor", "nobody")
]
c.JupyterHub.load_roles += [
    {"name": "keeping", "scopes": [MANAGE], "services": ["keeper"], "users": ["staff-manager"]},
    {"name": "watching", "scopes": [READ], "services": ["watcher"], "users": ["staff-reader"]},
    {"name": "of-users", "scopes": ["admin:users"], "services": ["users"], "users": ["staff-helper"]},
    {"name": "tutoring", "scopes": [MANAGE + "!group=course"], "services": ["tutor"], "users": ["staff-tutor"]},
    {"name": "configured", "scopes": ["self"], "users": ["dean"]},
]
"""
"""`staff-boss` is an administrator. `pupil`, `dean` and `principal` stand in the configuration."""

OPTIONS = {"username_prefix": "", "adopt": ["pupil", "dean"], "signup": "approval", "admin_users": ["principal"]}
TEXT = config(None, others={"staff": STAFF}, **OPTIONS) + RIGHTS


class Staffed(MailScene):
    """The hub, and the resources for programs."""

    def has(self, name: str) -> bool:
        """Whether there is such an account."""
        return bool(self.rows("SELECT 1 FROM hubauth_native_accounts WHERE username = ?", name))

    def add_many(self, number: int, **values: Any) -> None:
        """Applicants `student00` and so on."""
        database = self.database()

        def work(connection: Connection) -> None:
            for each in range(number):
                more = {"full_name": f"Student {each}", "status": "pending"} | values
                Accounts(database, NAME).create(connection, f"student{each:02}", **more)

        database.write_now(work)
        database.close()

    async def ask(
        self, method: str, path: str, token: str = "keeper", json: Any = None, **options: Any
    ) -> httpx.Response:
        """Call a resource; `token` is a service's name, or a token."""
        url = f"{self.hub.direct_url}/hub/api/hubauth/providers/{NAME}/{path}"
        headers = {"Authorization": f"token {token if len(token) > 20 else 'token-of-' + token}"} if token else {}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.request(method, url, headers=headers, json=json, **options)

    async def act(self, act: str, *ids: str, token: str = "keeper", **more: Any) -> httpx.Response:
        """Act on accounts."""
        return await self.ask("POST", "acts", token, {"act": act, "accounts": list(ids), **more})

    async def token_of(self, name: str, **options: Any) -> str:
        """An API token of a hub user."""
        answer = await self.hub.api("POST", f"/users/{name}/tokens", json=options)
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token


async def as_staff(browser: Browser, name: str) -> Browser:
    """Sign in as somebody of the staff."""
    page = await browser.sign_in_with_form("staff", name, PASSWORD)
    assert await browser.hub_user() == f"staff-{name}", page.text
    return browser
