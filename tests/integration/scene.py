"""A hub with two OpenID providers that a test can break, and what the hub wrote down about it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from harness.browser import Browser, Page
from harness.hub import Hub
from hostile_idp.server import HostileIdP
from hostile_idp.tokens import ABSENT

AUDIT = "audit.jsonl"


def config(idps: Mapping[str, HostileIdP], options: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> str:
    """A hub whose providers `red` and `blue` are these, everybody allowed; `options` are further ones of each."""
    providers = {
        name: {
            "type": "oidc",
            "issuer": idp.issuer,
            "client_id": f"client-of-{name}",
            "client_secret": f"canary-secret-of-{name}",
            "label": f"The {name} house",
            "allow_all": True,
            **(options or {}).get(name, {}),
        }
        for name, idp in idps.items()
    }
    section = {"providers": providers, "audit_log": AUDIT} | more
    return f"c.JupyterHub.authenticator_class = 'hubauth'\nc.HubAuthenticator.update({section!r})\n"


@dataclass
class Scene:
    """The hub, its providers, and the only places where traces may be."""

    hub: Hub
    idps: Mapping[str, HostileIdP]

    def __getitem__(self, name: str) -> HostileIdP:
        return self.idps[name]

    def person(self, provider: str, subject: str, username: str, **claims: Any) -> None:
        """Who signs in next at a provider."""
        who = {"sub": subject, "preferred_username": username} | claims
        self[provider].person = who
        self[provider].userinfo = who

    async def leave(self, browser: Browser, provider: str, *, next_url: str = "") -> Page:
        """Press the button: the redirect to the source."""
        page = await browser.begin(provider, next_url=next_url)
        assert page.location, page.text
        assert page.location.startswith(f"{self[provider].issuer}/authorize"), page.location
        return page

    def answer(self, provider: str, page: Page, **changes: Any) -> str:
        """The callback address with which the source sends the browser back."""
        assert page.location
        brought = self[provider].sign_in(page.location, **changes)
        return f"{self.hub.callback_url(provider)}?{urlencode(brought, doseq=True)}"

    async def sign_in(self, browser: Browser, provider: str, *, next_url: str = "", **changes: Any) -> Page:
        """A whole sign-in without redirects followed at its end: what the callback answers."""
        page = await self.leave(browser, provider, next_url=next_url)
        return await browser.request("GET", self.answer(provider, page, **changes))

    async def leave_to_connect(self, browser: Browser, provider: str) -> Page:
        """Press the button on the page of connections: the way to the source."""
        page = await browser.open("/hub/connections")
        page = await browser.submit(page.form(f"/connections/{provider}/connect"))
        assert page.location, page.text
        assert page.location.startswith(f"{self[provider].issuer}/authorize"), page.location
        return page

    async def connect(self, browser: Browser, provider: str, **changes: Any) -> Page:
        """Connect an account, from the button to what the callback answers."""
        page = await self.leave_to_connect(browser, provider)
        return await browser.request("GET", self.answer(provider, page, **changes))

    def identities_of(self, hub_name: str) -> list[str]:
        """`provider:subject` of every identity of a hub user, by the name that was recorded."""
        with sqlite3.connect(f"file:{self.hub.directory / 'hubauth.sqlite'}?mode=ro", uri=True) as store:
            found = store.execute("SELECT provider, subject FROM hubauth_identities WHERE hub_name = ?", (hub_name,))
            return sorted(f"{provider}:{subject}" for provider, subject in found)

    def events(self) -> list[dict[str, Any]]:
        """The audit trail."""
        trail = self.hub.directory / AUDIT
        return [json.loads(line) for line in trail.read_text().splitlines()] if trail.exists() else []

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table of hubauth's database."""
        with sqlite3.connect(f"file:{self.hub.directory / 'hubauth.sqlite'}?mode=ro", uri=True) as store:
            return store.execute(f"SELECT * FROM {table}").fetchall()


class Rejection:
    """`async with Rejection(scene, browser, reason)`: a refusal leaves one event behind, and nothing else."""

    def __init__(self, scene: Scene, browser: Browser, *reasons: str) -> None:
        self._scene, self._browser, self._reasons = scene, browser, reasons

    async def __aenter__(self) -> None:
        self._before = await self._state()

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None:
            return
        names, rows, events = self._before
        now_names, now_rows, now_events = await self._state()
        assert await self._browser.hub_user() is None
        assert now_names == names, "a hub user was made"
        assert now_rows == rows, "something was stored"
        assert len(now_events) == len(events) + 1, now_events[len(events) :]
        assert now_events[-1]["kind"] == "login_refused"
        assert now_events[-1]["reason"] in self._reasons, now_events[-1]

    async def _state(self) -> tuple[Any, ...]:
        scene = self._scene
        rows = [scene.rows(f"hubauth_{table}") for table in ("identities", "names", "pins", "vault", "had_identity")]
        return (await scene.hub.user_names(), rows, scene.events())


__all__ = ["ABSENT", "AUDIT", "Rejection", "Scene", "config"]
