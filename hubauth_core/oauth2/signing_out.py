"""Who signs out of the hub is signed out at the source, where wanted; who signs out there is signed out of the hub.

https://openid.net/specs/openid-connect-rpinitiated-1_0.html
https://openid.net/specs/openid-connect-backchannel-1_0.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from tornado.httputil import url_concat
from traitlets import Bool, Enum, Unicode

from ..claims import VerifiedClaims
from ..core import Core
from ..errors import HubAuthError, LoginRefused, ProviderError, StoreError
from ..types import Credential, Event, HubCall, Identity, Page, Secret
from ..web.rate import RateLimit
from .backchannel import BackchannelLogout
from .logout_token import Seen
from .provider import OAuth2Provider
from .rfc8414 import Metadata

LONGEST_ADDRESS: Final = 6000
"""Characters of the address to leave by; servers take no more than 8000 (RFC 9110, section 4.1)."""

A_MINUTE: Final = 60
"""Logout tokens that do not hold which one address may send in a minute."""


class SigningOut(OAuth2Provider):
    """How the hub's sessions and the source's end together."""

    end_session = Bool(
        False,
        help="Whether signing out of the hub leads the browser on to the source, to sign out there too. Register "
        "`<public url>/hub/auth/<name>/logged-out` there as the address to come back to.",
    ).tag(config=True)
    end_session_url = Unicode(
        help="Where the browser goes for that, where the source's metadata does not say it (`end_session_endpoint`)."
    ).tag(config=True)
    backchannel_logout = Enum(
        ["sessions", "servers", "off"],
        "sessions",
        help="What ends when the source says that somebody has signed out there: the sessions and API tokens of the "
        "hub user, the running servers too, or nothing. Register `<public url>/hub/auth/<name>/backchannel-logout` "
        "there.",
    ).tag(config=True)
    backchannel_untyped = Bool(
        False,
        help="Whether to take logout tokens whose header does not say that they are some (`typ` `logout+jwt`); older "
        "sources leave it out.",
    ).tag(config=True)

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        self._core: Core | None = None
        self._seen = Seen(self.now)
        self._pace = RateLimit(A_MINUTE)
        self._stopping: set[asyncio.Future[None]] = set()

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        super().check_options()
        self.check_url("end_session_url")

    def start(self, core: Core) -> None:
        """The hub is about to serve."""
        super().start(core)
        self._core = core

    def pages(self) -> Sequence[Page]:
        """Where the source says that somebody has signed out."""
        if self.backchannel_logout == "off":
            return super().pages()
        return (
            *super().pages(),
            Page(pattern="backchannel-logout", handler=BackchannelLogout, options={"listener": self}),
        )

    # What the source's metadata and keys say.

    @property
    def known_metadata(self) -> Metadata | None:
        """What the source said of itself last, None if it was never asked."""
        return None

    async def metadata(self) -> Metadata:
        """What the source says of itself. Raises ProviderError."""
        raise NotImplementedError

    async def verified_logout(self, token: Secret) -> VerifiedClaims:
        """The claims of a logout token that holds. Raises LoginRefused, ProviderError."""
        raise NotImplementedError

    def logout_subject(self, claims: VerifiedClaims) -> str:
        """The subject that a logout token is about. Raises LoginRefused where it does not tell."""
        if self.subject_claim == "sub":
            return str(claims["sub"])
        raise LoginRefused(
            "This logout token does not name people as this hub does (`subject_claim`).", code="logout_token_subject"
        )

    # From the hub to the source.

    async def logged_out(self, identity: Identity, hub: HubCall) -> None:
        """The address to leave by is asked for in time; a source that is down keeps nobody."""
        if not self.end_session or self.end_session_url:
            return
        try:
            async with self.api.patience():
                await self.metadata()
        except ProviderError as error:
            self.log.warning("hubauth: %s: its own session goes on: %s", self.label, error.code)

    def logout_url(self, credential: Credential | None, return_to: str) -> str | None:
        """The source's own sign-out, which sends the browser back to `return_to` (row C40)."""
        known = self.known_metadata
        url = self.end_session_url or (known.end_session_endpoint if known else "")
        if not (self.end_session and url):
            return super().logout_url(credential, return_to)
        back, query = urlsplit(return_to), dict(parse_qsl(urlsplit(return_to).query))
        asked = {"client_id": self.client_id, "post_logout_redirect_uri": back._replace(query="").geturl(), **query}
        hint = credential.id_token if credential else None
        if hint is not None:
            hinted = url_concat(url, asked | {"id_token_hint": hint.reveal()})
            if len(hinted) <= LONGEST_ADDRESS:
                return str(hinted)
        return str(url_concat(url, asked))

    # From the source to the hub.

    async def signed_out(self, token: Secret, address: str) -> None:
        """End what the person of a logout token has open here. Raises HubAuthError; then nothing has ended."""
        try:
            self._pace.admit(address.encode())
            claims = await self.verified_logout(token)
            self._pace.give_back(address.encode())  # a source may sign out a thousand people at once
            await self._ended(claims, address)
        except HubAuthError as error:
            if self._core is not None and error.code != "too_many_attempts":  # a flood must not fill the trail
                refused = Event(kind="source_logout_refused", reason=error.code, subject=error.subject, address=address)
                self._core.record(refused)
            raise

    async def _ended(self, claims: VerifiedClaims, address: str) -> None:
        if self._core is None:
            raise StoreError("This hub is not ready yet; try again.")
        subject = self.logout_subject(claims)
        self._seen.claim(claims)
        try:
            user = self._core.hub_user(subject)
            await self._core.end_access(subject, servers=False)
            if self.backchannel_logout == "servers":
                self._stop_servers(self._core, subject)
            name = user.name if user else ""
            self._core.record(Event(kind="source_logout", subject=subject, hub_user=name, address=address))
        except BaseException:
            self._seen.release(claims)
            raise

    def _stop_servers(self, core: Core, subject: str) -> None:
        """Servers take a while, and a source waits for an answer for some seconds."""
        task = asyncio.ensure_future(core.end_access(subject))
        self._stopping.add(task)
        task.add_done_callback(self._stopped)

    def _stopped(self, task: asyncio.Future[None]) -> None:
        self._stopping.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("hubauth: %s: servers of somebody who has signed out there go on: %r", self.label, error)
