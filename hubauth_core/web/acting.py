"""Who acts on a page of ours, whether they signed in lately, and what they read where it did not work."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any, Final

from jupyterhub._xsrf_utils import _set_xsrf_cookie
from jupyterhub.utils import url_path_join
from tornado.httputil import url_concat

from ..errors import HubAuthError, LinkRefused
from ..first_login import Connectable
from ..hub import hub_key_of
from ..linking import Actor
from ..provider import Provider
from ..types import SignIn, Transaction
from . import session
from .answers import answer_to, shown_of
from .handler import HubAuthHandler
from .view import sign_in_url

_HUB_RENEWS_XSRF: Final = "xsrf_token" in signature(_set_xsrf_cookie).parameters


class ActingHandler(HubAuthHandler):
    """A page on which people do something."""

    @property
    def by(self) -> Actor:
        """Who acts on their own account."""
        return Actor(address=self.request.remote_ip or "")

    def is_recent(self, leeway: float = 0.0) -> bool:
        """Whether the person at this browser signed in lately; `leeway` in seconds."""
        user = self.current_user
        return user is not None and session.signed_in_within(self, user, self.host.recent_sign_in + leeway)

    def must_be_recent(self, leeway: float = 0.0) -> None:
        """Raises LinkRefused where it is too long ago."""
        if not self.is_recent(leeway):
            raise LinkRefused(
                "You signed in too long ago for this. Sign in again, so that the hub knows it is you.",
                code="sign_in_again",
            )

    def recency(self, back: str) -> dict[str, Any]:
        """Whether the person at this browser signed in lately; if not, where they do so again, to come `back`."""
        recent = self.is_recent()
        return {"recent": recent, "again": [] if recent else list(self._again(back))}

    def _again(self, back: str) -> Iterator[Mapping[str, str]]:
        for record in self.flow.identities.of_hub_user(hub_key_of(self.current_user.orm_user)):
            if self.host.linking.works(record):
                url = url_concat(sign_in_url(self.hub.base_url, record.provider, back), {"anew": "1"})
                yield {"label": self.flow.registry.provider(record.provider).label, "url": url}

    def end_other_sessions(self) -> None:
        """End every session of whoever is signed in, in every other browser (row 7.4.3)."""
        user, recent = self.current_user, self.is_recent()
        self.host.end_sessions(self, user)
        self.set_login_cookie(user)
        if recent:  # it names the session, which is another one now
            session.remember(self, user, self.host.public_url)

    def stay_signed_in(self) -> None:
        """Let this browser go on where every session of its hub user has ended, and it has just proved who it is."""
        self.set_login_cookie(self.current_user)
        session.remember(self, self.current_user, self.host.public_url)

    def note(self, what: str, provider: str) -> None:
        """Tell the next page of ours what was done."""
        session.keep(self, session.NOTE, f"{what}:{provider}", self.host.public_url)

    def note_text(self, text: str) -> None:
        """Tell the next page of ours what was done, in words."""
        session.keep(self, session.TOLD, text, self.host.public_url)

    async def refuse(
        self,
        error: HubAuthError,
        provider: Provider | None = None,
        wanted: str = "",
        transaction: Transaction | None = None,
    ) -> None:
        """The page of a sign-in or a link that did not work: a sentence, and the way on. One audit event."""
        self.write_down(error, provider, transaction)
        more: dict[str, str] = {}
        if transaction is not None and transaction.purpose == "link":
            more = {"title": "Nothing was connected", "connections_url": self.connections_url}
        elif isinstance(error, Connectable):
            self._offer_to_connect(error.sign_in)
            login = url_path_join(self.hub.base_url, "login")
            more = {"offer_url": url_concat(login, {"next": self.connections_url})}
        await self.say(error, provider, wanted, **more)

    async def say(self, error: HubAuthError, provider: Provider | None = None, wanted: str = "", **more: str) -> None:
        """The page that says why something did not work; `more` for its template."""
        self.set_status(answer_to(error).status)
        if retry_after := getattr(error, "retry_after", None):
            self.set_header("Retry-After", str(int(retry_after)))
        which = {"name": provider.name, "label": provider.label} if provider else {}
        shown = shown_of(error, self.hub.base_url, wanted=wanted, **which) | more
        self.finish(await self.render_template("hubauth-refused.html", sync=False, **shown))

    def write_down(self, error: HubAuthError, provider: Provider | None, transaction: Transaction | None) -> None:
        """One audit event for a sign-in or a link that did not work."""
        name = provider.name if provider else ""
        if transaction is not None and transaction.purpose == "link":
            user = self.current_user
            self.host.linking.refused(name, error, user.name if user else "", self.by)
        else:
            self.flow.refused(name, error, address=self.request.remote_ip or "")

    @property
    def connections_url(self) -> str:
        """The page about one's own identities."""
        url: str = url_path_join(self.hub.base_url, "connections")
        return url

    def _offer_to_connect(self, sign_in: SignIn) -> None:
        """Keep a sign-in that reached no hub user, for whoever signs in with this browser next."""
        key = secrets.token_urlsafe(32)
        self.host.linking.offers.keep(key, sign_in)
        session.keep(self, session.OFFER, key, self.host.public_url)

    def renew_xsrf(self) -> None:
        """Start the form's lifetime now, as the hub's own sign-in page does from 5.3 on."""
        if _HUB_RENEWS_XSRF and self.request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate":
            _set_xsrf_cookie(self, self._xsrf_token_id, cookie_path=self.hub.base_url, xsrf_token=self.xsrf_token)
