"""`/hub/connections`: one's own identities, connecting and disconnecting; every act is a POST of our own form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from ..errors import HubAuthError, LinkRefused, StoreError
from ..hub import hub_user
from ..mapping import Record
from ..provider import Provider
from ..transaction import LIFETIME, begin
from ..types import HubUser, SignIn
from . import session
from .answers import answer_to
from .connections_view import DONE, Card, Offer, Wish, card_of, is_unmet, wish_for
from .steps import StepsHandler
from .view import Icon, find_icon


class IdentitiesHandler(StepsHandler):
    """A page about the identities of a hub user."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method == "POST" and self.current_user is None:
            raise web.HTTPError(403, "You are not signed in any more.")

    def icon(self, provider: Provider) -> Icon:
        return find_icon(provider.icon, Path(self.settings["static_path"]))

    async def cards(self, user: HubUser, wish: Wish) -> list[Card]:
        """Every identity of a hub user, the home identity first."""
        connections = await self.host.retrieval.connections(user)
        records = [each.record for each in connections]
        providers = self.flow.registry.providers
        return [
            card_of(each, providers.get(each.record.provider), wish, self.icon, self._stays(each.record, records))
            for each in connections
        ]

    def _stays(self, record: Record, records: list[Record]) -> str:
        if record.home:
            return "It decides about you on this hub; only an administrator can change that."
        if not any(self.host.linking.works(other) for other in records if other is not record):
            return "It is the only way left to sign in."
        return ""

    def said(self) -> str:
        """What the act before has done, once."""
        what, _, name = session.recall(self, session.NOTE, session.NOTE_LASTS).partition(":")
        if what:
            session.drop(self, session.NOTE)
        provider = self.flow.registry.providers.get(name)
        return DONE[what].format(provider.label if provider else name) if what in DONE else ""

    async def after(self, what: str, provider: str, url: str) -> None:
        """An act is done: say so on the page that it was done on."""
        self.note(what, provider)
        self.redirect(url, status=303)

    async def show_page(self, template: str, error: HubAuthError | None, **shown: Any) -> None:
        """A page, with what went wrong."""
        self.renew_xsrf()
        if error is not None:
            self.set_status(answer_to(error).status)
        page = await self.render_template(
            template,
            error=error.sentence if error else "",
            code=error.code if error else "",
            said="" if error else self.said(),
            connections_url=self.connections_url,
            xsrf=self.xsrf_token.decode("ascii"),
            **shown,
        )
        self.finish(page)


class OwnIdentities(IdentitiesHandler):
    """What concerns the identities of whoever is signed in."""

    @property
    def me(self) -> HubUser:
        """Who is signed in."""
        return hub_user(self.current_user.orm_user)

    async def show(self, error: HubAuthError | None = None, wish: Wish | None = None) -> None:
        """The page."""
        try:
            shown = await self._shown(wish or Wish())
        except StoreError as broken:
            await self.say(broken)
        else:
            await self.show_page("hubauth-connections.html", error, **shown)

    async def _shown(self, wish: Wish) -> dict[str, Any]:
        me = self.me
        cards = await self.cards(me, wish)
        connected = {card.provider for card in cards}
        others = [
            each for name, each in self.flow.registry.providers.items() if each.linkable and name not in connected
        ]
        offers = [self._offer(me, provider, wish) for provider in others if provider.ends_here]
        return {
            "cards": cards,
            "offers": offers,
            "elsewhere": [provider.label for provider in others if not provider.ends_here],
            "hub_name": me.name,
            "pending": self._pending(),
            "unmet": is_unmet(wish, cards, offers),
            "users_url": url_path_join(self.connections_url, USERS) if "admin:users" in self.parsed_scopes else "",
            **self.recency(url_concat(self.connections_url, wish.query)),
        }

    def _offer(self, me: HubUser, provider: Provider, wish: Wish) -> Offer:
        """A provider that could be connected, or why not now."""
        problem = ""
        try:
            self.host.linking.check(me, provider)
        except LinkRefused as refusal:
            problem = refusal.sentence
        return Offer(
            provider=provider.name,
            label=provider.label,
            icon=self.icon(provider),
            further=wish.boxes(provider),
            selected=wish.provider == provider.name,
            problem=problem,
        )

    def _pending(self) -> Mapping[str, str] | None:
        """The sign-in that this browser may connect, if there is one."""
        sign_in = self.offered()
        if sign_in is None:
            return None
        identity = sign_in.identity
        return {"label": self.flow.registry.provider(identity.provider).label, "username": identity.username}

    def offered(self, *, take: bool = False) -> SignIn | None:
        """What this browser was offered to connect; `take` it, so that it is offered no more."""
        key = session.recall(self, session.OFFER, LIFETIME)
        waiting = self.host.linking.offers
        return (waiting.take if take else waiting.look)(key) if key else None

    async def refuse_act(self, error: HubAuthError, provider: str, wish: Wish | None = None) -> None:
        """Nothing was done: one audit event, and the page that says why."""
        self.host.linking.refused(provider, error, self.me.name, self.by)
        await self.show(error, wish)


class ConnectionsPage(OwnIdentities):
    """`/hub/connections`: `?connect=<provider>&scope=<s>` opens what another page wants people to grant."""

    @web.authenticated
    async def get(self) -> None:
        scopes = " ".join(self.get_query_arguments("scope")).split()
        await self.show(wish=wish_for(self.get_query_argument("connect", ""), scopes, self.flow.registry.providers))


class Connect(OwnIdentities):
    """`/hub/connections/<provider>/connect`: begins a link, or asks a connected source for more."""

    async def post(self, name: str) -> None:
        me, wish = self.me, wish_for(name, self.get_body_arguments("scope"), self.flow.registry.providers)
        try:
            provider = self.provider(name)
            transaction = begin(
                name,
                redirect_uri=self.callback_url(provider),
                next_url=self.connections_url,
                purpose="link",
                scopes=await self._scopes(me, provider, wish),
                bound_to=session.fingerprint(self, self.current_user),
            )
            step, transaction = await self.flow.begin(self.plain_request(), transaction)
            await self.go_on(provider, step, transaction)
        except HubAuthError as error:
            await self.refuse_act(error, name if name in self.flow.registry.providers else "", wish)

    async def _scopes(self, me: HubUser, provider: Provider, wish: Wish) -> list[str]:
        """What to ask for, of what is offered: what is wished, and what is granted already. Raises LinkRefused."""
        connections = await self.host.retrieval.connections(me)
        known = next((each for each in connections if each.record.provider == provider.name), None)
        if known is None:  # else it renews what is theirs already, and connects nobody
            self.must_be_recent()
            self.host.linking.check(me, provider)
        granted = known.scopes if known else frozenset()
        return sorted(granted.intersection(provider.further_scopes) | wish.scopes)


class Disconnect(OwnIdentities):
    """`/hub/connections/<provider>/disconnect`: takes an identity away and ends every other session."""

    async def post(self, name: str) -> None:
        me = self.me
        try:
            self.must_be_recent()
            await self.host.linking.unlink(me, name, self.by)
        except HubAuthError as error:
            await self.refuse_act(error, name if name in self.flow.registry.order else "")
            return
        # Whoever came in by it may be in still, and nobody knows which session that is (rows V31, V32).
        self.host.end_sessions(self, self.current_user)
        self.set_login_cookie(self.current_user)
        await self.after("disconnected", name, self.connections_url)


class AnswerOffer(OwnIdentities):
    """`/hub/connections/offer`: yes or no to connecting the sign-in that this browser came with."""

    async def post(self) -> None:
        accepted = self.get_body_argument("answer", "") == "yes"
        sign_in = None
        try:
            if accepted:
                self.must_be_recent()
            sign_in = self.offered(take=True)
            session.drop(self, session.OFFER)
            if sign_in is None:
                raise LinkRefused("This offer is over. Connect the account from the list below.", code="offer_over")
            if not accepted:
                await self.after("declined", "", self.connections_url)
                return
            await self.connect(sign_in)
        except HubAuthError as error:
            await self.refuse_act(error, sign_in.identity.provider if sign_in else "")
            return
        self.redirect(self.connections_url, status=303)


USERS = "hub-users"
"""What no provider is called: a name has no hyphen."""

HANDLERS: list[tuple[Any, ...]] = [
    (r"/connections/?", ConnectionsPage),
    (r"/connections/offer", AnswerOffer),
    (r"/connections/([a-z0-9_]+)/connect", Connect),
    (r"/connections/([a-z0-9_]+)/disconnect", Disconnect),
]
"""Below the hub's own path."""
