"""A wrapped authenticator's own handlers, in our hands: what they sign in passes our rules, or does not happen."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol, cast

from jupyterhub.handlers.base import SESSION_COOKIE_NAME, BaseHandler
from jupyterhub.handlers.login import LoginHandler, LogoutHandler
from jupyterhub.utils import url_path_join
from tornado import web

from ...errors import HubAuthError
from ...types import Identity, SignIn
from ...web.answers import answer_to, shown_of
from ...web.handler import HubAuthHandler, QueryKeptOut
from ...web.session import HOST_ONLY
from .place import Place

OUTER: Final = frozenset(
    {
        "add_user",
        "allow_existing_users",
        "auth_refresh_age",
        "auth_refresh_strict",
        "delete_user",
        "enable_auth_state",
        "manage_groups",
        "manage_roles",
        "post_spawn_stop",
        "pre_spawn_start",
        "reconcile_auth_state_hook",
        "refresh_pre_spawn",
        "refresh_pre_stop",
        "refresh_user",
        "reset_managed_roles_on_startup",
    }
)
"""What the hub's own code, which these handlers inherit, asks its authenticator: always ours."""

_OF_THE_HUB: Final = frozenset({SESSION_COOKIE_NAME, "_xsrf", "jupyterhub-services"})


class Flow(Protocol):
    """The part of the sign-in flow that these handlers need; `hubauth_core.signin.SignInFlow` has it."""

    async def admit(self, provider: str, sign_in: SignIn) -> Any:
        """Apply our rules and reserve the name. Raises LoginRefused, ProviderError."""

    def refused(self, provider: str, error: HubAuthError, *, address: str = "") -> None:
        """One audit event for a sign-in that did not work."""


class Lifecycle(Protocol):
    """The part of a hub user's later life that these handlers need; `hubauth_core.lifecycle.Lifecycle` has it."""

    async def keep_state(self, identity: Identity, state: Mapping[str, Any]) -> None:
        """Replace what is kept of a sign-in (`SignIn.state`) by what the wrapped one saved at another time."""


class Host(Protocol):
    """What a wrapped provider needs of the hub's authenticator, which is its `parent`.

    `welcome(handler, admitted)` may call `handler.login_user(...)` and the like: on our handlers, these reach the
    hub's authenticator (`get_authenticated_user(handler, data)`), not the wrapped one, while it runs.
    """

    flow: Flow
    lifecycle: Lifecycle

    async def welcome(self, handler: Any, admitted: Any) -> Any:
        """Sign somebody in at the hub and bind the identity; the hub's user. Raises LoginRefused, StoreError."""

    async def get_authenticated_user(self, handler: Any, data: Any) -> Any:
        """JupyterHub's own."""


class Source(Protocol):
    """The provider, as its handlers see it."""

    name: str
    label: str
    place: Place
    inner: Any
    facade: Facade

    @property
    def host(self) -> Host: ...

    async def sign_in(self, handler: Any, data: Any) -> SignIn | None: ...


class Facade:
    """The authenticator that wrapped handlers see: the wrapped one, except for what concerns hub users."""

    def __init__(self, source: Source) -> None:
        object.__setattr__(self, "_source", source)

    @property  # type: ignore[misc]  # `isinstance` shall see the wrapped class
    def __class__(self) -> Any:
        return type(self._source.inner)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._source.host if attribute in OUTER else self._source.inner, attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(self._source.inner, attribute, value)

    def get_custom_html(self, base_url: str) -> str:
        """The wrapped one's markup, escaping what it is rendered with (the stock hub does not)."""
        markup = self._source.inner.get_custom_html(base_url)
        return f"{{% autoescape true %}}{markup}{{% endautoescape %}}" if markup else ""

    async def get_authenticated_user(self, handler: Any, data: Any) -> Any:
        """Only within our own sign-in; wrapped code must call `handler.login_user`, where our rules and records are."""
        if not getattr(handler, "hubauth_welcoming", False):
            raise web.HTTPError(500, "This sign-in bypasses login_user, which hubauth needs.")
        return await self._source.host.get_authenticated_user(handler, data)


class View:
    """A handler of the hub as wrapped code may see it: its authenticator is the wrapped one."""

    def __init__(self, handler: Any, facade: Facade) -> None:
        object.__setattr__(self, "_handler", handler)
        object.__setattr__(self, "authenticator", facade)
        object.__setattr__(self, "settings", ChainMap({"authenticator": facade}, getattr(handler, "settings", {})))

    @property  # type: ignore[misc]  # `isinstance` shall see the handler's class
    def __class__(self) -> Any:
        return type(self._handler)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._handler, attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(self._handler, attribute, value)


class Refusal(web.HTTPError):
    """One of our errors on its way through wrapped code to the page that shows it."""

    def __init__(self, error: HubAuthError) -> None:
        super().__init__(answer_to(error).status, "%s", error.sentence)
        self.error = error


class WrappedHandler(QueryKeptOut):
    """Stands before the wrapped class: `type(name, (WrappedHandler, TheirHandler), {"source": provider})`."""

    source: ClassVar[Source]
    hubauth_welcoming = False

    @property
    def authenticator(self) -> Facade:
        return self.source.facade

    @property
    def settings(self) -> Any:
        return ChainMap({"authenticator": self.source.facade}, self.application.settings)

    # Signing in.

    async def login_user(self, data: Any = None) -> Any:
        """Theirs vouches, ours decides, the hub accepts, ours records. None where theirs says no."""
        if self.hubauth_welcoming:
            return await super().login_user(data)
        try:
            sign_in = await self.source.sign_in(self, data)
            if sign_in is None:
                return None
            admitted = await self.source.host.flow.admit(self.source.name, sign_in)
            self.hubauth_welcoming = True
            user = await self.source.host.welcome(self, admitted)
        except HubAuthError as error:
            self.source.host.flow.refused(self.source.name, error, address=self.request.remote_ip or "")
            raise Refusal(error) from None
        finally:
            self.hubauth_welcoming = False
        self._jupyterhub_user = user
        return user

    def user_from_username(self, username: str) -> Any:
        self._must_be_ours()
        return super().user_from_username(username)

    async def auth_to_user(self, authenticated: Any, user: Any = None) -> Any:
        if user is None:  # else it is a refresh of somebody signed in
            self._must_be_ours()
        return await super().auth_to_user(authenticated, user)

    def set_login_cookie(self, user: Any) -> None:
        self._must_be_ours(user)
        super().set_login_cookie(user)

    def set_hub_cookie(self, user: Any) -> None:
        self._must_be_ours(user)
        super().set_hub_cookie(user)

    def _must_be_ours(self, user: Any = None) -> None:
        """Refuse a session that wrapped code makes by itself, unless it is that of the user who is signed in."""
        known = user is not None and getattr(self, "_jupyterhub_user", None) is user
        if not (self.hubauth_welcoming or known):
            self.log.error(
                "hubauth: %s signs people in without login_user; provider %r cannot wrap it",
                type(self).__name__,
                self.source.name,
            )
            raise web.HTTPError(500, "This way to sign in is not set up correctly.")

    # Cookies: each provider has its own, seen by its own pages only.

    def set_cookie(self, name: str, value: Any, *args: Any, **options: Any) -> None:
        if mine := self._own_cookie(name):
            name, options["path"] = mine, self.source.place.below(self.hub.base_url)
        super().set_cookie(name, value, *args, **options)

    def get_cookie(self, name: str, default: Any = None) -> Any:
        return super().get_cookie(self._own_cookie(name) or name, default)

    def set_signed_cookie(self, name: str, value: Any, *args: Any, **options: Any) -> None:
        super().set_signed_cookie(self._own_cookie(name) or name, value, *args, **self._path_of(name, options))

    def get_signed_cookie(self, name: str, *args: Any, **options: Any) -> Any:
        return super().get_signed_cookie(self._own_cookie(name) or name, *args, **options)

    set_secure_cookie = set_signed_cookie
    get_secure_cookie = get_signed_cookie

    def clear_cookie(self, cookie_name: str, **options: Any) -> None:
        super().clear_cookie(self._own_cookie(cookie_name) or cookie_name, **self._path_of(cookie_name, options))

    def _own_cookie(self, name: str) -> str:
        """The name that a cookie of theirs gets; "" for the hub's cookies and for one that has it already."""
        prefix = f"source-{self.source.name}-"
        hubs = name in _OF_THE_HUB or name == self.hub.cookie_name or name.startswith("jupyterhub-")
        own = name.removeprefix(HOST_ONLY).startswith(("hubauth", prefix))
        return "" if hubs or own else prefix + name

    def _path_of(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        moved = {"path": self.source.place.below(self.hub.base_url)} if self._own_cookie(name) else {}
        return {**options, **moved}

    # Pages.

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def check_xsrf_cookie(self) -> Any:
        theirs = super().check_xsrf_cookie
        if theirs.__func__ in _STOCK_CHECKS and self.request.headers.get("Sec-Fetch-Mode") == "no-cors":
            raise web.HTTPError(403, "This form was sent from another site.")  # 5.2.1 lets it pass (row V11)
        return theirs()

    def append_query_parameters(self, url: str, exclude: Any = None) -> str:
        """Nothing of a callback's query goes on to the next page: it may be a code and a state (row R06)."""
        return url

    def get_next_url(self, user: Any = None, default: Any = None) -> str:
        """Theirs, if it stays on this hub: some keep `next` in a cookie and do not look at it again (row V13)."""
        theirs = super().get_next_url
        stock = theirs.__func__ is BaseHandler.get_next_url
        wanted: str = theirs(user, default) if stock else theirs(user)
        wanted = "".join(each for each in wanted if each.isprintable())
        if stock:
            return wanted
        checked = HubAuthHandler.safe_next(cast(HubAuthHandler, self), wanted)
        return checked or str(BaseHandler.get_next_url(self, user, default))

    def render_template(self, name: str, **options: Any) -> Any:
        """`login.html` is the stock one: ours shows every provider, theirs shows their form."""
        return super().render_template("templates/login.html" if name == "login.html" else name, **options)

    def write_error(self, status_code: int, **options: Any) -> None:
        error = options.get("exc_info", (None, None))[1]
        if not isinstance(error, Refusal):
            super().write_error(status_code, **options)
            return
        shown = shown_of(error.error, self.hub.base_url, name=self.source.name, label=self.source.label)
        page = self.render_template("hubauth-refused.html", sync=True, **shown)
        self.set_status(status_code)
        self.write(page)


_STOCK_CHECKS: Final = (BaseHandler.check_xsrf_cookie, LoginHandler.check_xsrf_cookie)


class WrappedLogout(WrappedHandler):
    """Their logout page: who is still signed in goes through the hub's logout first, which asks theirs."""

    async def get(self) -> None:
        if self.current_user:
            self.redirect(url_path_join(self.hub.base_url, "logout"))
        else:
            await super().get()


class SignInFromRequest(BaseHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """For an authenticator that finds who it is in the request itself (a header of a proxy)."""

    async def get(self) -> None:
        user = await self.login_user()
        if user is None:
            raise web.HTTPError(403)
        self.redirect(self.get_next_url(user))


def wrap(handler: type[Any], source: Source) -> type[Any]:
    """A handler class of theirs as it is mounted; what is none of JupyterHub's (static files) stays as it is."""
    if not issubclass(handler, BaseHandler):
        return handler
    ours: type[Any] = WrappedLogout if issubclass(handler, LogoutHandler) else WrappedHandler
    return type(handler.__name__, (ours, handler), {"source": source, "__module__": handler.__module__})
