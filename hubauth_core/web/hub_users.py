"""`/hub/connections/hub-users/<name>`: what an administrator sees of a hub user's identities, and may change.

To look takes the hub's own scope `admin:users` for that user. What changes who decides, and what touches somebody with
special rights, takes an administrator (row V12).
"""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import url_escape_path, url_path_join
from tornado import web

from ..errors import HubAuthError, LinkRefused, StoreError
from ..hub import hub_user
from ..linking import Actor
from ..names import LONGEST
from ..types import HubUser
from .connections import USERS, IdentitiesHandler
from .connections_view import Wish

OF_ADMINISTRATORS = {"home", "consent"}
"""Acts that the scope alone does not allow."""


class HubUserPage(IdentitiesHandler):
    """One hub user's identities."""

    @web.authenticated
    async def get(self, name: str) -> None:
        await self._show(self._asked_about(name))

    async def post(self, name: str) -> None:
        user = self._asked_about(name)
        target = hub_user(user.orm_user)
        act, provider = self.get_body_argument("act", ""), self.get_body_argument("provider", "")
        try:
            self._check_may(act, target)
            done = await self._act(act, user, target, provider)
        except HubAuthError as error:
            known = provider if provider in self.flow.registry.order else ""
            self.host.linking.refused(known, error, target.name, self.by)
            await self._show(user, error)
        else:
            await self.after(done, provider, self._url(target.name))

    @property
    def by(self) -> Actor:
        return Actor(name=self.current_user.name, address=self.request.remote_ip or "")

    def _url(self, name: str) -> str:
        url: str = url_path_join(self.connections_url, USERS, url_escape_path(name))
        return url

    def _asked_about(self, name: str) -> Any:
        """The hub's user of that name. Answers 404 where there is none, or it is nobody to look at."""
        user = self.find_user(name)
        if user is None or not self.has_scope(f"admin:users!user={user.name}"):
            raise web.HTTPError(404)
        return user

    def _check_may(self, act: str, target: HubUser) -> None:
        self.must_be_recent()
        is_admin = bool(getattr(self.current_user, "admin", False))
        if not is_admin and (act in OF_ADMINISTRATORS or target.has_special_rights):
            raise LinkRefused("Only an administrator of the hub may do this.", code="admins_only")

    async def _act(self, act: str, user: Any, target: HubUser, provider: str) -> str:
        """What is done, by the word for the note about it."""
        linking = self.host.linking
        match act:
            case "disconnect":
                await linking.unlink(target, provider, self.by)
                self.host.end_sessions(self, user)
                if user is self.current_user:
                    self.set_login_cookie(user)
                return "user_disconnected"
            case "sign_out":
                self.host.end_sessions(self, user)
                linking.sessions_ended(target, self.by)
                if user is self.current_user:
                    self.set_login_cookie(user)
                return "user_signed_out"
            case "home":
                await linking.make_home(target, provider, self.by)
                return "home_changed"
            case "consent" if provider in self.flow.registry.providers:
                await linking.consent(target, provider, self.by)
                return "consent_given"
        raise web.HTTPError(400, "This form is not one of ours.")

    async def _show(self, user: Any, error: HubAuthError | None = None) -> None:
        try:
            shown = await self._shown(hub_user(user.orm_user))
        except StoreError as broken:
            await self.say(broken)
        else:
            await self.show_page("hubauth-hub-user.html", error, **shown)

    async def _shown(self, target: HubUser) -> dict[str, Any]:
        cards = await self.cards(target, Wish())
        connected, is_admin = {card.provider for card in cards}, bool(self.current_user.admin)
        providers = self.flow.registry.providers.values()
        return {
            "hub_name": target.name,
            "cards": cards,
            "may_act": is_admin or not target.has_special_rights,
            "is_admin": is_admin,
            "needs_consent": target.has_special_rights,
            "own": target.name == self.current_user.name,
            "consentable": [
                each for each in providers if each.name not in connected and each.linkable and each.ends_here
            ],
            "action": self._url(target.name),
            **self.recency(self._url(target.name)),
        }


class FindHubUser(IdentitiesHandler):
    """`/hub/connections/hub-users?name=`: from a form to the page of a hub user."""

    @web.authenticated
    async def get(self) -> None:
        name = self.get_query_argument("name", "").strip()[:LONGEST]
        self.redirect(
            url_path_join(self.connections_url, USERS, url_escape_path(name)) if name else self.connections_url
        )


HANDLERS: list[tuple[Any, ...]] = [
    (rf"/connections/{USERS}", FindHubUser),
    (rf"/connections/{USERS}/([^/]+)", HubUserPage),
]
"""Below the hub's own path."""
