"""`/hub/auth/<name>/backchannel-logout`: where a source says that somebody has signed out there.

No browser comes here, so there is no cookie and no token against forged forms: the logout token proves all.

https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest
"""

from __future__ import annotations

import json
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from tornado import web

from ..errors import CallRefused, HubAuthError, LoginRefused, ProviderUnavailable, StoreError
from ..types import Secret
from ..web.address import believed

LARGEST: Final = 64 * 1024
"""Bytes of a request (row R22)."""


class Listener(Protocol):
    """Who is told."""

    async def signed_out(self, token: Secret, address: str) -> None:
        """Do what a logout token says. Raises HubAuthError."""


@web.stream_request_body
class BackchannelLogout(web.RequestHandler):
    """Takes one logout token at a time, from anybody who can show one."""

    def initialize(self, listener: Listener) -> None:
        self._listener = listener
        self._body = bytearray()

    def prepare(self) -> None:
        connection: Any = self.request.connection
        connection.set_max_body_size(4 * LARGEST)  # of more tornado hangs up, which tells nobody why

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk[: LARGEST + 1 - len(self._body)]

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        self.set_header("X-Content-Type-Options", "nosniff")

    def check_xsrf_cookie(self) -> None:
        """Nothing here goes by a cookie."""

    async def post(self) -> None:
        try:
            await self._listener.signed_out(self._token(), believed(self.request))
        except HubAuthError as error:
            self._refuse(error)
        else:
            self.set_status(200)
            self.finish("{}")

    def _token(self) -> Secret:
        if len(self._body) > LARGEST:
            raise LoginRefused("This request is too large.", code="too_large")
        try:
            [token] = parse_qs(self._body.decode("ascii"), max_num_fields=20)["logout_token"]
        except (ValueError, KeyError):
            raise LoginRefused("One field `logout_token` belongs here.", code="logout_token_missing") from None
        return Secret(token)

    def _refuse(self, error: HubAuthError) -> None:
        """Section 2.8. What may work later is no fault of the request."""
        later = isinstance(error, CallRefused | ProviderUnavailable | StoreError) or error.code == "too_many_attempts"
        self.set_status(503 if later else 400)
        told = "temporarily_unavailable" if later else "invalid_request"
        self.finish(json.dumps({"error": told, "error_description": f"{error.code}: {error.sentence}"}))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish(json.dumps({"error": "invalid_request"}))
