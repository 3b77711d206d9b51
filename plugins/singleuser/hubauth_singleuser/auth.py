"""A fresh token at every request, for the HTTP libraries that people use in notebooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from .client import MIN_TTL, get_credential
from .origin import Origin


class TokenAuth:
    """Puts the token of one provider into requests to the servers it was made for, and leaves all others alone.

    ```
    auth = TokenAuth("github", "https://api.github.com")
    requests.get("https://api.github.com/user", auth=auth)
    httpx.Client(auth=auth)
    httpx.AsyncClient(event_hooks={"request": [auth.sign]})
    fsspec.filesystem("https", client_kwargs={"middlewares": [auth.middleware]})     # and aiohttp.ClientSession
    ```

    Of `servers` only scheme, host and port count: https, or http on this machine. A request to anywhere else keeps
    what it has. A request raises CredentialError where there is no token.
    """

    def __init__(self, provider: str, *servers: str, resource: str = "", min_ttl: float = MIN_TTL) -> None:
        """Raises ValueError for a server that a token must not go to."""
        self.provider = provider
        self.resource = resource
        self.min_ttl = min_ttl
        if not servers:
            raise ValueError("TokenAuth needs the servers that may see the token: TokenAuth('github', 'https://...')")
        self.servers = frozenset(Origin.for_tokens(address) for address in servers)

    def __repr__(self) -> str:
        servers = ", ".join(sorted(repr(str(server)) for server in self.servers))
        return f"TokenAuth({self.provider!r}, {servers}, resource={self.resource!r})"

    def __call__(self, request: Any) -> Any:
        """The request with its header; what `requests` and `httpx` call before they send it."""
        if self.covers(str(request.url)):
            self._authorize(request)
        return request

    async def sign(self, request: Any) -> None:
        """The same without holding up the event loop; what `httpx.AsyncClient` takes as an event hook."""
        if self.covers(str(request.url)):
            await asyncio.to_thread(self._authorize, request)

    async def middleware(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """The same for `aiohttp` (from 3.12 on), on which `fsspec` stands; called again for each redirect."""
        await self.sign(request)
        return await handler(request)

    def covers(self, url: str) -> bool:
        """Whether the token may go to this address."""
        try:
            return Origin.parse(url) in self.servers
        except ValueError:
            return False

    def _authorize(self, request: Any) -> None:
        credential = get_credential(self.provider, self.resource, min_ttl=self.min_ttl)
        request.headers["Authorization"] = f"{credential.token_type} {credential.access_token.reveal()}"
