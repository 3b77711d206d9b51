"""The steps of a transaction on our pages: a form, the way to the source, what the browser brought back.

A sign-in ends in a session; a link in one more identity of whoever is signed in, and never in another session.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyterhub.utils import url_path_join
from tornado.escape import url_escape

from ..errors import LinkRefused, LoginRefused
from ..hub import hub_user
from ..mapping import hub_key
from ..provider import Provider
from ..signin import Admitted
from ..transaction import LIFETIME, cookie_name, remember
from ..types import HubCall, Redirect, Request, SignIn, Step, Transaction
from . import session
from .acting import ActingHandler
from .view import Source, find_icon, sign_in_url


class StepsHandler(ActingHandler):
    """A page that takes a transaction further."""

    def source(self, provider: Provider, wanted: str, **more: Any) -> Source:
        """A provider as the templates show it."""
        return Source(
            name=provider.name,
            label=provider.label,
            url=sign_in_url(self.hub.base_url, provider.name, wanted),
            icon=find_icon(provider.icon, Path(self.settings["static_path"])),
            **more,
        )

    async def go_on(self, provider: Provider, step: Step, transaction: Transaction) -> None:
        """The next step of a transaction, which the browser keeps meanwhile."""
        self.keep(remember(transaction, step.memo))
        if not isinstance(step, Redirect):
            source = self.source(provider, transaction.next_url, form=step, error=step.error)
            await self.show_form(source, transaction)
        elif step.fields or self.request.method == "POST":
            # A policy `form-action 'self'` would stop a form from being redirected elsewhere; a page of ours may go on.
            await self.show_onward(step.url, f"On to {provider.label}", f"Continue at {provider.label}", step.fields)
        else:
            self.redirect(step.url)

    async def show_onward(self, url: str, heading: str, go_on: str, fields: Mapping[str, str]) -> None:
        """A page that leads on by itself; with `fields` it posts them, where scripts run, or by its button."""
        shown: dict[str, Any] = {"url": url, "heading": heading, "go_on": go_on, "fields": fields}
        self.finish(await self.render_template("hubauth-onward.html", **shown))

    async def take(
        self, provider: Provider, request: Request, transaction: Transaction, *, once_only: bool = True
    ) -> None:
        """What the browser brought for a transaction: its end, or its next step.

        The transaction is over then; without `once_only`, only if it came to something. Raises HubAuthError.
        """
        self._check_bound(transaction)
        earlier = self.host.used.claim(transaction.state)
        if earlier is not None:
            if not await earlier:
                raise LoginRefused("This sign-in is over. Try again.", code="state_used")
            self.redirect(self.safe_next(transaction.next_url) or url_path_join(self.hub.base_url, "home"))
            return
        end, user = None, None
        try:
            end = await self.flow.finish(request, transaction)
            if not isinstance(end, Step):
                user = await self._end(end)
        finally:
            over = once_only and not isinstance(end, Step)
            self.host.used.settle(transaction.state, signed_in=user is not None, over=over or user is not None)
        if isinstance(end, Step):
            await self.go_on(provider, end, transaction)
        else:
            self.drop(cookie_name(transaction.state))
            self.arrive(user, transaction.next_url)

    async def _end(self, end: Admitted | SignIn) -> Any:
        """Sign somebody in, or connect; the hub's user either way."""
        if isinstance(end, Admitted):
            return await self.host.welcome(self, end)
        user = self.current_user
        known = self.flow.identities.find(*end.identity.key)
        if known is None or known.hub_user != hub_key(hub_user(user.orm_user)):
            self.must_be_recent(LIFETIME)  # what was disconnected meanwhile is not renewed, it is new
        await self.connect(end)
        return user

    async def connect(self, sign_in: SignIn) -> None:
        """Connect an identity to whoever is signed in. Raises LinkRefused, ProviderError, StoreError."""
        user = self.current_user
        hub = HubCall(user=user, handler=self, state=sign_in.state)
        await self.host.linking.link(sign_in, hub_user(user.orm_user), hub, self.by)
        self.note("connected", sign_in.identity.provider)

    def _check_bound(self, transaction: Transaction) -> None:
        """A link ends where it began: for the same hub user, in the same session of the same browser (row R09)."""
        if transaction.purpose == "login":
            return
        user = self.current_user
        if user is None or not session.same(transaction.bound_to, session.fingerprint(self, user)):
            raise LinkRefused(
                "You are not signed in any more as the person who began this. Nothing was connected.",
                code="session_changed",
            )

    async def show_form(self, source: Source, transaction: Transaction | None = None) -> None:
        """The form of one provider on a page of its own; `transaction` where it is one more step of that."""
        self.renew_xsrf()
        page = await self.render_template(
            "hubauth-form.html",
            source=source,
            state=transaction.state if transaction else "",
            connects=transaction is not None and transaction.purpose == "link",
            next=url_escape(source.next),
            authenticator=self.authenticator,
            login_url=self.settings["login_url"],
            xsrf=self.xsrf_token.decode("ascii"),
        )
        self.finish(page)
