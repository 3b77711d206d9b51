"""After a full run nothing secret turns up anywhere but where an option puts it (row V41)."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from harness.browser import Browser
from harness.counterparts import HUB_SECRET, Counterpart
from harness.hub import Hub
from harness.hubs import StartHub, newest_only

from .asking import KEYS

pytestmark = [newest_only, pytest.mark.row("V41", "10.1.1")]

CONFIG = """
from hubauth_core import configure
configure(c)
c.JupyterHub.authenticator_class = "hubauth"
c.Authenticator.enable_auth_state = True
c.Authenticator.admin_users = {"ann"}
c.HubAuthenticator.update(%r)
"""
EXCHANGE = {"kafka": {"audience": "urn:kafka"}}


@dataclass
class Run:
    """A hub that somebody uses from end to end. `secrets`: all that was issued; `shown`: all that the hub said."""

    hub: Hub
    source: Counterpart
    browser: Browser
    secrets: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    auth_state: dict[str, Any] = field(default_factory=dict)

    async def all(self) -> None:
        """Sign-ins that work and that do not, a server, renewals, an exchange, a dead grant, every page, sign-out."""
        self.secrets |= {HUB_SECRET, KEYS["JUPYTERHUB_CRYPT_KEY"]}
        self.browser.client.event_hooks["response"].append(self._look)
        callback = await self.sign_in()
        await self.browser.open(callback)
        await self.browser.open(callback.replace("code=", "code=x"))
        await self.browser.open("/hub/auth/uni/callback?error=access_denied&state=unknown")
        await self.sign_in()
        self.environment = (await self.browser.server("ann"))["environment"]
        await self._ask("")
        await self._ask("?resource=kafka")
        await self._ask("?resource=none")
        self._expire()
        await self._ask("")
        for path in ("/hub/home", "/hub/token", "/hub/connections", "/hub/admin", "/hub/api/user", "/hub/api/users"):
            await self.browser.open(path)
        await self._hub_models()
        self.source.account("ann", disabled=True)
        self._expire()
        await self._ask("")
        await self.browser.open("/hub/connections")
        self.source.account("ann")
        await self.browser.sign_out()

    async def sign_in(self) -> str:
        """Sign in anew; answers the callback address, whose code and state are used up then."""
        begun = await self.browser.begin("uni")
        callback = await self.browser.follow_to_callback(begun, "ann")
        self.secrets |= {httpx.URL(callback).params[name] for name in ("code", "state")}
        await self.browser.open(callback, headers={"Sec-Fetch-Site": "same-site"})
        assert await self.browser.hub_user() == "ann"
        self._collect()
        return callback

    async def _ask(self, query: str) -> None:
        answer = await self.hub.api("POST", "/users/ann/tokens")
        if answer.status_code < 300:
            headers = {"Authorization": f"token {answer.json()['token']}"}
            url = f"{self.hub.direct_url}/hub/api/hubauth/users/ann/credentials/uni{query}"
            async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
                await client.get(url, headers=headers)
        self._collect()

    async def _hub_models(self) -> None:
        model = (await self.hub.api("GET", "/users/ann")).json()
        self.auth_state = model.pop("auth_state")
        self.shown += [json.dumps(model), (await self.hub.api("GET", "/users")).text]

    async def _look(self, response: httpx.Response) -> None:
        """What the hub says to a browser; an address that it redirects to has a state that the browser needs."""
        if str(response.url).startswith(self.hub.url) and "/user/ann" not in response.url.path:
            await response.aread()
            self.shown.append(response.text)

    def _store(self) -> sqlite3.Connection:
        return sqlite3.connect(self.hub.directory / "hubauth.sqlite")

    def _expire(self) -> None:
        with self._store() as store:
            store.execute("UPDATE hubauth_vault SET expires_at = 1")

    def _collect(self) -> None:
        """Open what is stored, with the hub's key."""
        fernet = Fernet(base64.urlsafe_b64encode(bytes.fromhex(KEYS["JUPYTERHUB_CRYPT_KEY"])))
        with self._store() as store:
            rows = store.execute("SELECT blob FROM hubauth_vault WHERE purpose = 'credential'").fetchall()
        for (blob,) in rows:
            content = json.loads(json.loads(fernet.decrypt(blob)))["content"]
            self.secrets |= {content[name] for name in ("access_token", "refresh_token", "id_token") if content[name]}

    def found_in(self, text: str) -> set[str]:
        return {secret for secret in self.secrets if secret in text}

    def leaks(self) -> dict[str, set[str]]:
        """Secrets in logs, databases in the clear, and pages. The Python proxy's own lines hold whole addresses."""
        log = "\n".join(line for line in self.hub.log.splitlines() if " tornado.access]" not in line)
        places = {"hub.log": self.found_in(log)}
        for secret in self.secrets:
            for path in self.hub.files_with(secret):
                if path.name != "hub.log":
                    places.setdefault(path.name, set()).add(secret)
        places |= {f"page {page[:80]!r}": self.found_in(page) for page in self.shown}
        return {place: found for place, found in places.items() if found}


@pytest.fixture
def run(start_hub: StartHub, oidc_provider: Counterpart, new_browser: Callable[[Hub], Browser]) -> Callable[..., Run]:
    def begin(**options: Any) -> Run:
        uni = oidc_provider.options(allow_all=True, exchange=EXCHANGE, git_urls=["https://git.example"])
        section = {"providers": {"uni": uni}, "audit_log": "audit.jsonl", "git_credential_helper": True} | options
        hub = start_hub(CONFIG % section, KEYS)
        oidc_provider.allow(hub, "uni")
        return Run(hub, oidc_provider, new_browser(hub))

    return begin


async def test_nothing_secret_turns_up_anywhere(run: Callable[..., Run]) -> None:
    ann = run()
    await ann.all()
    assert len(ann.secrets) > 12, "codes, states, and tokens of several sign-ins and renewals"
    assert len(ann.shown) > 15
    assert ann.leaks() == {}
    assert ann.found_in(json.dumps(ann.environment)) == set()
    assert ann.auth_state["provider"] == "uni"
    assert ann.found_in(json.dumps(ann.auth_state)) == set()


async def test_what_an_option_asks_for_is_there_and_nowhere_else(run: Callable[..., Run]) -> None:
    ann = run(auth_state_tokens=True, spawner_environment={"UNI": "uni", "KAFKA": "uni/kafka"})
    await ann.all()
    environment = dict(ann.environment)
    asked_for = {environment.pop("UNI"), environment.pop("KAFKA")}
    assert asked_for <= ann.secrets
    assert len(asked_for) == 2
    assert ann.found_in(json.dumps(environment)) == set()
    state = dict(ann.auth_state)
    assert {state.pop("access_token"), state.pop("id_token")} <= ann.secrets
    assert ann.found_in(json.dumps(state)) == set()
    assert ann.leaks() == {}
