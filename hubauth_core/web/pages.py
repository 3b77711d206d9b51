"""What the browser meets on the way in: the sign-in page, each provider's start and callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from markupsafe import Markup
from tornado import web
from tornado.escape import url_escape

from ..errors import HubAuthError, LoginRefused
from ..provider import Provider
from ..transaction import begin, cookie_name
from ..types import NOTHING, Form, Request, Transaction
from .handler import MOST_IN_A_NAME
from .steps import StepsHandler
from .view import STATIC, Source, sign_in_url

AGAIN: Final = "hubauth_again"
"""The field that tells a form of our own page, which sends a source's answer again."""

MOST_IN_AN_ANSWER: Final = 256 * 1024
"""Bytes of an answer that is posted: a signed document of SAML."""

MOST_FIELDS: Final = 100
"""Fields of an answer that is posted; each makes a line of the page that posts it again."""


class SourcesHandler(StepsHandler):
    """A page that shows the ways in."""

    async def sources(self, wanted: str, failed: Source | None = None) -> list[Source]:
        """Every way in, in the order of the configuration; `failed` stands in its own place."""
        registry = self.flow.registry
        found = []
        for name in registry.order:
            if failed is not None and failed.name == name:
                found.append(failed)
            elif name in registry.broken:
                url = sign_in_url(self.hub.base_url, name, wanted)
                found.append(Source(name=name, label=name, url=url, unavailable="Not available now."))
            elif not registry.providers[name].only_connects:
                found.append(await self._offer(registry.providers[name], wanted))
        return found

    async def _offer(self, provider: Provider, wanted: str) -> Source:
        if provider.presentation == "button":
            return self.source(provider, wanted)
        try:
            transaction = begin(provider.name, redirect_uri=self.callback_url(provider), next_url=wanted)
            step, _ = await self.flow.begin(Request(handler=self), transaction)
        except HubAuthError as error:
            return self.source(provider, wanted, unavailable=error.sentence)
        return self.source(provider, wanted, form=step if isinstance(step, Form) else None)

    async def show_sources(self, wanted: str, failed: Source | None = None) -> None:
        """The sign-in page."""
        self.renew_xsrf()
        shown = {
            "sources": await self.sources(wanted, failed),
            "next": url_escape(wanted),
            "username": failed.username if failed else "",
            "login_error": failed.error if failed else "",
            "login_url": self.settings["login_url"],
            "authenticator_login_url": self.authenticator.login_url(self.hub.base_url),
            "authenticator": self.authenticator,
            "xsrf": self.xsrf_token.decode("ascii"),
        }
        # An administrator's login.html on top of the stock one shows `custom_html` where the stock form would stand.
        inside = Markup(await self.render_template("hubauth-sources.html", **shown))  # noqa: S704  # it was escaped
        self.finish(await self.render_template("login.html", custom_html=inside, **shown))


class LoginPage(SourcesHandler):
    """`/hub/login`: every way in."""

    async def get(self) -> None:
        wanted = self.safe_next(self.get_query_argument("next", ""))
        if self.current_user:
            self.set_login_cookie(self.current_user)
            self.arrive(self.current_user, wanted)
            return
        alone = self.flow.registry.alone
        if self.host.auto_login and alone is not None and alone.presentation == "button":
            self.redirect(sign_in_url(self.hub.base_url, alone.name, wanted))
        else:
            await self.show_sources(wanted)

    async def post(self) -> None:
        raise web.HTTPError(405, "Each way to sign in has an address of its own; see the sign-in page.")


class ProviderLogin(SourcesHandler):
    """`/hub/auth/<name>/login`: GET begins a sign-in, POST takes a form of the provider."""

    async def get(self, name: str) -> None:
        provider, wanted = None, self.safe_next(self.get_query_argument("next", ""))
        try:
            provider, request = self.provider(name), self.plain_request()
            asked = " ".join(request.query.get("scope", ())).split()
            transaction = begin(
                provider.name,
                redirect_uri=self.callback_url(provider),
                next_url=wanted,
                scopes=[scope for scope in provider.further_scopes if scope in asked],
                anew="anew" in request.query,
            )
            step, transaction = await self.flow.begin(request, transaction)
            if isinstance(step, Form) and not step.memo:
                await self.show_form(self.source(provider, wanted, form=step))
            else:
                await self.go_on(provider, step, transaction)
        except HubAuthError as error:
            await self.refuse(error, provider, wanted)

    async def post(self, name: str) -> None:
        provider = transaction = None
        wanted = self.safe_next(self.get_body_argument("next", ""))
        try:
            provider = self.provider(name)
            # What a source answers comes to the callback; here a query could bring a code that nobody asked for.
            request = replace(self.plain_request(), query=NOTHING)
            transaction = self._transaction(provider, request, wanted)
            await self.take(provider, request, transaction, once_only=False)
        except HubAuthError as error:
            await self._refuse_form(error, provider, wanted, transaction)

    def _transaction(self, provider: Provider, request: Request, wanted: str) -> Transaction:
        """The transaction that a further step belongs to, or a new one for a first step."""
        state = request.form.get("state", ("",))[0]
        if state:
            return self.host.seal.open(state, self.transaction_cookies(), provider.name)
        return begin(provider.name, redirect_uri=self.callback_url(provider), next_url=wanted)

    async def _refuse_form(
        self, error: HubAuthError, provider: Provider | None, wanted: str, transaction: Transaction | None
    ) -> None:
        """A wrong password keeps the person on the page with the form; everything else has a page of its own."""
        if provider is None or provider.presentation != "form" or error.code != "bad_credentials":
            await self.refuse(error, provider, wanted, transaction)
            return
        self.write_down(error, provider, transaction)
        self.set_status(403)
        offered = await self._offer(provider, wanted)
        typed = self.get_body_argument("username", "")[:MOST_IN_A_NAME]
        failed = self.source(provider, wanted, form=offered.form, error=error.sentence, username=typed)
        if transaction is not None and transaction.purpose == "link":
            await self.show_form(failed, transaction)
        else:
            await self.show_sources(wanted, failed)


class ProviderCallback(SourcesHandler):
    """`/hub/auth/<name>/callback`: where the source sends the browser back to."""

    _keeps_cookies = True

    async def get(self, name: str) -> None:
        await self._answer(name, self.plain_request)

    async def post(self, name: str) -> None:
        """An answer that the browser posts from the source's page, which is another site: it keeps our cookies back.

        The page that it gets here posts the same again, from this site, and so with them.
        """
        self._keeps_cookies, provider = self._is_again, None
        try:
            provider = self._posting(name)
            if len(self.request.body) > MOST_IN_AN_ANSWER or len(self.request.body_arguments) > MOST_FIELDS:
                raise LoginRefused("The answer to this sign-in is too large.", code="too_large")
            sent = self.plain_request(MOST_IN_AN_ANSWER).form
        except HubAuthError as error:
            await self.refuse(error, provider)
            return
        if self._is_again:
            await self._answer(name, self._repeated)
            return
        fields = {field: values[0] for field, values in sent.items() if len(values) == 1} | {AGAIN: "1"}
        await self.show_onward(self.request.uri or "", f"Back from {provider.label}", "Continue", fields)

    def _posting(self, name: str) -> Provider:
        """The provider, whose source answers by post. Raises ProviderUnavailable; answers 405 for another one."""
        provider = self.provider(name)
        if not provider.answers_by_post:
            raise web.HTTPError(405)
        return provider

    @property
    def _is_again(self) -> bool:
        return AGAIN in self.request.body_arguments

    def _repeated(self) -> Request:
        """What the source's page has posted: sources sign it as a whole."""
        request = self.plain_request(MOST_IN_AN_ANSWER)
        return replace(request, form={name: values for name, values in request.form.items() if name != AGAIN})

    def check_xsrf_cookie(self) -> None:
        """The state stands for the hub's token here; what comes with our cookies must come from our own page."""
        if self.request.method != "POST":
            super().check_xsrf_cookie()
        elif self._is_again and self.comes_from_elsewhere:
            raise web.HTTPError(403, "This form was sent from another site.")

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """None where the browser keeps its own back: they would be lost."""
        if self._keeps_cookies:
            super().set_cookie(name, value, *args, **kwargs)

    async def _answer(self, name: str, read: Callable[[], Request]) -> None:
        provider = transaction = None
        try:
            provider = self.provider(name)
            request = read()
            transaction = self._transaction(provider, request)
            await self.take(provider, request, transaction)
        except HubAuthError as error:
            await self.refuse(error, provider, transaction.next_url if transaction else "", transaction)

    def _transaction(self, provider: Provider, request: Request) -> Transaction:
        try:
            state, _ = provider.state_of(request), request.one("code")
        except ValueError:
            raise LoginRefused("The answer to this sign-in is malformed. Try again.", code="bad_request") from None
        if not state:
            raise LoginRefused("This sign-in was not begun here. Try again.", code="state_missing")
        transaction = self.host.seal.open(state, self.transaction_cookies(), provider.name)
        self.drop(cookie_name(state))
        return transaction


class StaticFiles(web.StaticFileHandler):
    """`/hub/hubauth/static/`: our style sheet and script."""


HANDLERS = [
    (r"/login", LoginPage),
    (r"/auth/([a-z0-9_]+)/login", ProviderLogin),
    (r"/auth/([a-z0-9_]+)/callback", ProviderCallback),
    (r"/oauth_login()", ProviderLogin),
    (r"/oauth_callback()", ProviderCallback),
    (r"/hubauth/static/(.*)", StaticFiles, {"path": str(STATIC)}),
]
"""Every page of the core, below the hub's own path."""
