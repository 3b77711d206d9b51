"""The way out: sign out of the hub, of the source too where that is wanted, and what is shown afterwards."""

from __future__ import annotations

import secrets
from typing import Final

from jupyterhub.handlers.login import LogoutHandler
from jupyterhub.utils import url_path_join
from tornado.httputil import url_concat

from ..errors import LoginRefused
from ..provider import Provider
from . import session
from .acting import ActingHandler
from .steps import StepsHandler

ON_THE_WAY: Final = 600.0
"""Seconds in which a browser comes back from signing out at the source."""


class LogoutPage(LogoutHandler, StepsHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """`/hub/logout`: ends every session of the user, on the server too (rows V10, 7.4.1).

    JupyterHub's links to it are plain ones, so a GET signs out. One that another site has sent asks first.
    """

    _way_out: str | None = None

    async def get(self) -> None:
        if self.current_user and self.comes_from_elsewhere:
            self.finish(await self.render_template("hubauth-sign-out.html", xsrf=self.xsrf_token.decode("ascii")))
        else:
            await super().get()

    async def post(self) -> None:
        await super().get()

    async def handle_logout(self) -> None:
        user = self.current_user
        if user:
            self._way_out = await self.host.goodbye(self, user, session.made_with(self, user), self._return_to)
        # After a failed refresh the hub sees nobody here, and clears nothing.
        self.clear_login_cookie()
        session.drop(self, session.MADE_WITH)

    async def render_logout_page(self) -> None:
        onward = self._way_out or self.host.logout_redirect_url
        if onward and self.request.method == "POST":
            await self.show_onward(onward, "You are signed out of this hub", "Continue", {})
        elif onward:
            self.redirect(onward)
        else:
            await super().render_logout_page()

    def _return_to(self, provider: Provider) -> str:
        """Where the source sends this browser back to, with a state that it keeps meanwhile (row C40)."""
        state = secrets.token_urlsafe(32)
        session.keep(self, session.LEAVING, _left(provider.name, state), self.host.public_url)
        return str(url_concat(self.page_url(provider, "logged-out"), {"state": state}))


class SignedOutPage(ActingHandler):
    """`/hub/auth/<name>/logged-out`: back from signing out at the source."""

    async def get(self, name: str) -> None:
        provider = self.provider(name)
        kept = session.recall(self, session.LEAVING, ON_THE_WAY)
        states = self.get_query_arguments("state")
        if not (kept and len(states) == 1 and session.same(kept, _left(name, states[0]))):  # rows C41, C42
            error = LoginRefused(
                "This browser did not begin to sign out, or did so too long ago. To leave this hub, sign out here.",
                code="logout_state",
            )
            await self.say(error)
            return
        session.drop(self, session.LEAVING)
        if self.host.logout_redirect_url:
            self.redirect(self.host.logout_redirect_url)
            return
        login_url = url_path_join(self.hub.base_url, "login")
        self.finish(await self.render_template("hubauth-signed-out.html", label=provider.label, login_url=login_url))


def _left(name: str, state: str) -> str:
    return f"{name} {state}"


HANDLERS = [
    (r"/logout", LogoutPage),
    (r"/auth/([a-z0-9_]+)/logged-out", SignedOutPage),
]
"""Below the hub's own path."""
