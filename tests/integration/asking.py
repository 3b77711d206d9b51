"""People who have signed in, services, and how they ask a hub for credentials."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from harness.browser import Browser

from .scene import Scene

KEYS = {"JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32)}
SCOPE = "custom:hubauth:credentials:read"
CALLBACK = "http://127.0.0.1:1/callback"
RIGHTS = f"""
from hubauth_core import configure
c.JupyterHub.services += [
    {{"name": "reader", "api_token": "token-of-reader"}},
    {{"name": "of-staff", "api_token": "token-of-staff"}},
    {{
        "name": "binder",
        "api_token": "token-of-binder",
        "oauth_client_id": "service-binder",
        "oauth_redirect_uri": {CALLBACK!r},
        "oauth_client_allowed_scopes": ["{SCOPE}!user"],
        "oauth_no_confirm": True,
    }},
]
c.JupyterHub.load_roles += [
    {{"name": "reader", "scopes": ["{SCOPE}"], "services": ["reader"]}},
    {{"name": "of-staff", "scopes": ["{SCOPE}!group=staff"], "services": ["of-staff"]}},
    {{"name": "user", "scopes": ["self", "access:services!service=binder"]}},
]
configure(c)
"""


class Person:
    """Somebody who has signed in by `red`. Asks the hub itself: the Python proxy adds headers, and takes no %FF."""

    def __init__(self, scene: Scene, browser: Browser, name: str) -> None:
        self.scene, self.hub, self.browser, self.name = scene, scene.hub, browser, f"red-{name}"

    async def token(self, **options: Any) -> str:
        answer = await self.hub.api("POST", f"/users/{self.name}/tokens", json=options)
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token

    async def ask(self, token: str, below: str = "credentials/red", of: str | None = None) -> httpx.Response:
        url = f"{self.hub.direct_url}/hub/api/hubauth/users/{of or self.name}/{below}"
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.get(url, headers={"Authorization": f"Bearer {token}"})

    async def visit(self, service: str) -> str:
        """Sign in to a service: the token that it gets."""
        return await self.browser.visit(service, "token-of-binder", CALLBACK)

    def events(self) -> list[dict[str, Any]]:
        return [event for event in self.scene.events() if event.get("hub_user") == self.name]


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and slug; nothing of ours is ever kept, and no header holds a digest of a token."""
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Etag" not in answer.headers
    body = answer.json()
    return answer.status_code, body.get("error", "")
