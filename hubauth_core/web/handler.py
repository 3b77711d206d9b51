"""What our pages share: the request as plain values, `next` that stays on this hub, transactions in cookies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import get_browser_protocol, url_path_join
from tornado import web
from tornado.httputil import HTTPServerRequest

from ..errors import LoginRefused, ProviderUnavailable
from ..linking import Linking
from ..provider import Provider
from ..retrieval import Retrieval
from ..signin import Admitted, SignInFlow
from ..transaction import LIFETIME, Seal, UsedStates, cookie_name, ours
from ..types import Request, Transaction
from ..urls import origin
from . import session
from .address import believed

MOST_IN_A_FIELD: Final = 16 * 1024
"""Characters of one form field or query parameter that are looked at."""

MOST_IN_A_NAME: Final = 255
"""Characters of a username (row V14)."""

_CONTROLS: Final = dict.fromkeys([*range(32), 127])


class Host(Protocol):
    """What the pages need of the authenticator."""

    flow: SignInFlow
    linking: Linking
    retrieval: Retrieval
    seal: Seal
    used: UsedStates
    auto_login: bool
    public_url: str
    logout_redirect_url: str
    recent_sign_in: float
    oauth_callback_provider: str

    async def welcome(self, handler: Any, admitted: Admitted) -> Any:
        """Sign somebody in at the hub. Raises LoginRefused, StoreError."""

    def end_sessions(self, handler: Any, user: Any) -> None:
        """End every session of a hub user, in every browser."""

    async def goodbye(
        self, handler: Any, user: Any, made_with: str, return_to: Callable[[Provider], str]
    ) -> str | None:
        """End every session of a hub user; where the browser goes to end the one at the source, None for nowhere."""


class QueryKeptOut(BaseHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """A page whose query may hold a code and a state, which no log line may repeat (row B3)."""

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Tornado's own words about an exception, with the path alone where it writes the whole address."""
        asked, self.request.uri = self.request.uri, self.request.path
        try:
            super().log_exception(typ, value, tb)
        finally:
            self.request.uri = asked


class HubAuthHandler(QueryKeptOut):
    """The base of hubauth's pages."""

    def __init__(self, application: web.Application, request: HTTPServerRequest, **options: Any) -> None:
        request.remote_ip = believed(request)  # first of all: the hub's token against forged forms is bound to it
        super().__init__(application, request, **options)

    @property
    def host(self) -> Host:
        authenticator: Host = self.authenticator
        return authenticator

    @property
    def flow(self) -> SignInFlow:
        return self.host.flow

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def check_xsrf_cookie(self) -> None:
        """The hub's check, and a refusal of what another site sends, which 5.2.1 lets through (row V11)."""
        if self.request.method == "POST" and self.comes_from_elsewhere:
            raise web.HTTPError(403, "This form was sent from another site.")
        try:
            super().check_xsrf_cookie()
        except web.HTTPError as error:
            raise web.HTTPError(error.status_code, "This form is too old. Try again.") from None

    @property
    def comes_from_elsewhere(self) -> bool:
        """Whether the browser says that another site sent this, or a script."""
        headers = self.request.headers
        foreign = headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
        return foreign or headers.get("Sec-Fetch-Mode") == "no-cors"

    def provider(self, name: str) -> Provider:
        """The provider of a path, "" for the one that has OAuthenticator's addresses.

        Raises ProviderUnavailable for a broken one; answers 404 for an unknown one.
        """
        name = name or self.host.oauth_callback_provider
        if name in self.flow.registry.broken:
            raise ProviderUnavailable("This way to sign in is not available now.", code="provider_disabled")
        provider = self.flow.registry.providers.get(name)
        if provider is None:
            raise web.HTTPError(404)
        return provider

    def plain_request(self, longest: int = MOST_IN_A_FIELD) -> Request:
        """What the browser sent. Raises LoginRefused for what is longer than any page of ours sends, or no text."""
        try:
            query = {name: self.get_query_arguments(name, strip=False) for name in self.request.query_arguments}
            form = {name: self.get_body_arguments(name, strip=False) for name in self.request.body_arguments}
        except web.HTTPError:  # not UTF-8; tornado's words quote it
            raise LoginRefused("The request is malformed. Try again.", code="bad_request") from None
        values = [value for values in [*query.values(), *form.values()] for value in values]
        if any(len(value) > longest for value in values):
            raise LoginRefused("The request is too large.", code="too_large")
        if any(len(name) > MOST_IN_A_NAME for name in form.get("username", ())):
            raise LoginRefused("This username is too long.", code="name_too_long")
        return Request(
            method=self.request.method or "GET",
            query=query,
            form=form,
            address=self.request.remote_ip or "",
            handler=self,
        )

    # Where to go afterwards.

    def safe_next(self, wanted: str) -> str:
        """`wanted` if it leads to a page below this hub's base_url, else "" (row V13).

        The hub's own check, which lets control characters and paths outside base_url pass, stands between two more.
        """
        cleaned: str = self._validate_next_url(wanted.translate(_CONTROLS))
        path = urlsplit(cleaned).path
        within = path.startswith(self.settings["base_url"]) and not path.startswith("//")
        climbs = ".." in unquote(path).split("/")  # browsers take %2e for a dot
        return cleaned if within and not climbs else ""

    def arrive(self, user: Any, wanted: str) -> None:
        """Send a person who is signed in to where they wanted to go, or where the hub sends everybody."""
        self._jupyterhub_user = user
        self.redirect(self.safe_next(wanted) or self.get_next_url(user))

    def get_next_url(self, user: Any = None, default: Any = None) -> str:
        """The hub's default page; `next` was dealt with by `safe_next`."""
        self.request.arguments.pop("next", None)
        url: str = super().get_next_url(user, default)
        return url

    def append_query_parameters(self, url: str, exclude: Any = None) -> str:
        """Nothing of our query goes on to the next page: it may be a code and a state (row R06)."""
        return url

    def callback_url(self, provider: Provider) -> str:
        """The provider's own redirect URI: as configured, else below the public URL, else below the address asked.

        Of several, the one of the address asked; never one that is not among them (row R21).
        """
        asked = f"{get_browser_protocol(self.request)}://{self.request.host}"
        if configured := getattr(provider, "redirect_url", ""):
            several: list[str] = [configured] if isinstance(configured, str) else configured
            return next((url for url in several if origin(url) == origin(asked)), several[0])
        old = provider.name == self.host.oauth_callback_provider
        path = "oauth_callback" if old else f"auth/{provider.name}/callback"
        return _origin(self.host.public_url or asked) + str(url_path_join(self.hub.base_url, path))

    def page_url(self, provider: Provider, page: str) -> str:
        """The address of a page below the provider's path, where its callback is."""
        return _origin(self.callback_url(provider)) + str(url_path_join(self.hub.base_url, "auth", provider.name, page))

    # Transactions in cookies.

    def keep(self, transaction: Transaction) -> None:
        """Seal a transaction into a cookie of its own, and make room for it."""
        sealed = self.host.seal.close(transaction)
        for name in self.host.seal.surplus(self.transaction_cookies()):
            self.drop(name)
        secure = urlsplit(transaction.redirect_uri).scheme == "https"
        place = session.placed(self, self._callbacks, secure=secure)
        self.set_cookie(session.named(self, cookie_name(transaction.state)), sealed, max_age=LIFETIME, **place)

    def drop(self, name: str) -> None:
        self.clear_cookie(session.named(self, name), path=self._callbacks)

    @property
    def _callbacks(self) -> str:
        """The path below which all callbacks are."""
        base = self.hub.base_url
        return str(base if self.host.oauth_callback_provider else url_path_join(base, "auth/"))

    def transaction_cookies(self) -> Mapping[str, str]:
        """Cookies that hold transactions, by their names without the prefix of those that are host-only."""
        prefix, sent = session.named(self, ""), self.request.cookies
        found = {name.removeprefix(prefix): each.value for name, each in sent.items() if name.startswith(prefix)}
        return {name: found[name] for name in ours(found)}

    # Refusals.

    def render_template(self, name: str, sync: bool = False, **shown: Any) -> Any:
        """The hub's own error page, which an expired form meets, offers no way on; ours does."""
        if name == "error.html":
            name = "hubauth-refused.html"
            shown["sentence"] = shown.get("message") or "Something went wrong in the hub. Its log says what."
        return super().render_template(name, sync, **shown)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
