"""What the server's owner, and nobody else, may ask this server about their tokens."""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import json
import math
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from ..client import MIN_TTL, Client
from ..errors import CredentialError, Refused, Unavailable
from ..types import Connection
from .page import POLICY, render

RESOURCE: Final = "hubauth"
"""What jupyter_server's authorizer is asked about."""


class Owned(JupyterHandler):
    """What only the server's owner may GET. Others may have been given access to the server, but not to this."""

    auth_resource = RESOURCE

    def initialize(self, client: Client, owner: str) -> None:
        """Whom to ask, and who owns the server."""
        self.client = client
        self.owner = owner

    def set_default_headers(self) -> None:
        """Nothing here is for a cache."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    @web.authenticated
    @authorized
    async def get(self, *arguments: str) -> None:
        """Answer the owner, refuse everybody else."""
        if not self._is_owner():
            raise web.HTTPError(403, "Only the owner of this server may see this.")
        await self.answer(*arguments)

    async def answer(self, *arguments: str) -> None:
        """What the owner sees."""
        raise NotImplementedError

    def _is_owner(self) -> bool:
        """As the hub says; a service may bear the owner's name. Without a hub behind the user there is no owner."""
        user = getattr(self.current_user, "hub_user", None)
        return isinstance(user, dict) and user.get("kind") == "user" and user.get("name") == self.owner != ""


class Api(Owned, APIHandler):
    """JSON, for programs that bring a token, and for this server's own pages."""

    async def answer(self, *arguments: str) -> None:
        """Refuse what another site, or another user's server on the same site, could make a browser send."""
        if not (self._brings_token() or self._is_own_page()):
            raise web.HTTPError(403, "Send an API token in the header Authorization, or this server's X-XSRFToken.")
        try:
            self.finish(json.dumps(await self.found(*arguments)))
        except CredentialError as error:
            self._refuse(error)

    async def found(self, *arguments: str) -> dict[str, Any]:
        """The answer. Raises CredentialError."""
        raise NotImplementedError

    def _brings_token(self) -> bool:
        return self.token_authenticated and "Authorization" in self.request.headers

    def _is_own_page(self) -> bool:
        """The hub checks no GET that looks like a click on a link, so this compares the value itself."""
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return False
        shown, known = self.request.headers.get("X-XSRFToken", ""), self.xsrf_token
        return bool(shown) and hmac.compare_digest(shown.encode(), known)

    def _refuse(self, error: CredentialError) -> None:
        """The error as the hub's own API says it."""
        if isinstance(error, Unavailable) and error.retry_after is not None:
            self.set_header("Retry-After", str(math.ceil(error.retry_after)))
        self.set_status(error.status)
        page = {"login_url": error.login_url} if error.login_url else {}
        self.finish(json.dumps({"status": error.status, "error": error.slug, "message": error.message} | page))


class OverviewHandler(Api):
    """`GET <local_path>`: the owner's accounts and their state, without secrets."""

    async def found(self, *arguments: str) -> dict[str, Any]:
        """As the hub says it."""
        connections = await asyncio.to_thread(self.client.credentials)
        return {"credentials": [dataclasses.asdict(each) | {"scopes": sorted(each.scopes)} for each in connections]}


class CredentialHandler(Api):
    """`GET <local_path>/<provider>[?resource=][&min_ttl=]`: a fresh token, where the administrator exposes them."""

    def initialize(self, client: Client, owner: str, exposed: bool = False) -> None:
        """`exposed` is the option `expose_tokens`."""
        super().initialize(client, owner)
        self.exposed = exposed

    async def found(self, *arguments: str) -> dict[str, Any]:
        """As the hub says it."""
        if not self.exposed:
            sentence = "Tokens are not handed out here: c.HubAuthSingleUser.expose_tokens is off."
            raise Refused(sentence, slug="not_exposed", status=403)
        [provider] = arguments
        credential = await asyncio.to_thread(
            self.client.get_credential, provider, self.get_argument("resource", ""), min_ttl=self._min_ttl()
        )
        told = {"access_token": credential.access_token.reveal(), "scopes": sorted(credential.scopes)}
        return vars(credential) | told

    def _min_ttl(self) -> float:
        try:
            seconds = float(self.get_argument("min_ttl", str(MIN_TTL)))
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            raise Refused("min_ttl is a number of seconds.", slug="bad_request", status=400)
        return seconds


class StatusPage(Owned):
    """`GET hubauth/`: the same for people, without scripts."""

    async def answer(self, *arguments: str) -> None:
        """The page; what went wrong stands on it."""
        connections: tuple[Connection, ...] = ()
        problem = ""
        try:
            connections = await asyncio.to_thread(self.client.credentials)
        except CredentialError as error:
            self.set_status(error.status)
            problem = error.message
        self.set_header("Content-Security-Policy", POLICY)
        self.finish(render(connections, problem, self.client.hub.connections_url))
