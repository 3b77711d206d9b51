"""The provider type `authenticator`: any existing JupyterHub authenticator, as one source among others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from jupyterhub.handlers.login import LoginHandler
from jupyterhub.utils import maybe_future
from tornado.httputil import url_concat
from traitlets import Any as AnyTrait
from traitlets import Bool, Instance, Int, List, Unicode, Union, default
from traitlets.config import Config

from ...calls import where
from ...errors import ConfigError, LoginRefused, ProviderError
from ...provider import Provider
from ...types import (
    Credential,
    Decision,
    HubCall,
    Identity,
    Page,
    ReauthRequired,
    Redirect,
    RefreshedIdentity,
    Refused,
    Request,
    SignIn,
    Step,
    Transaction,
    Unchanged,
    Updated,
)
from ...web.view import sign_in_url
from . import bubble
from .advice import advice
from .failures import as_ours, is_outage, refresh_after, status_of
from .form import bad_credentials, data_of, form_of
from .handlers import Facade, Host, SignInFromRequest, View, wrap
from .logout import as_their_logout, logout_address, logout_handler
from .pipeline import Model, Pipeline, Verdict, blocks
from .place import Place
from .subjects import preset_of, subject_of, subject_path
from .users import SourceUser, State

FROM_REQUEST = "own/sign-in"
"""Our page for an authenticator that finds who it is in the request itself."""


class WrappedAuthenticator(Provider):
    """Any JupyterHub authenticator (PAM, LDAP, LTI, an OAuthenticator, ...), in a bubble of its own.

    It keeps its own rules, names, form or pages and `auth_state`, and never sees a hub user: `c.Authenticator` and
    `c.LocalAuthenticator` do not reach it, its own section (`c.PAMAuthenticator`) and `config` do. Who its own rules
    let in may enter; `allow_all`, `allowed_users` and `admin_users` of this provider let in others whom it knows.
    """

    required_options = ("authenticator_class",)
    brings_rules = True

    authenticator_class = AnyTrait(
        help="The authenticator: a name of the entry points `jupyterhub.authenticators` ('pam', 'ldap', 'github'), "
        "an import path, or a class."
    ).tag(config=True)
    config = Instance(
        Config,
        (),
        help="Options of the wrapped authenticator, by name; or whole sections, by the name of a class.",
    ).tag(config=True)
    subject_key = Union(
        [Unicode(), List(Unicode())],
        default_value="",
        help="Where the wrapped authenticator's auth_state holds an id that never changes, as a dotted path "
        "('oauth_user.sub'), or several paths that make one together. Known for the classes of OAuthenticator and "
        "ltiauthenticator.",
    ).tag(config=True)
    reusable_names = Bool(
        None,
        allow_none=True,
        help="There is no such id: whoever has the username is the person. Known for PAM, LDAP, Dummy, SharedPassword.",
    ).tag(config=True)
    in_thread = Bool(
        None,
        allow_none=True,
        help="Run `authenticate` in a thread, because it blocks. By default where it is a plain function behind a "
        "form, and for LDAP.",
    ).tag(config=True)
    threads = Int(4, min=1, help="How many sign-ins may run in threads at once.").tag(config=True)

    inner: Any
    place: Place
    facade: Facade

    def __init__(self, name: str, config: Mapping[str, Any] | None = None, **options: object) -> None:
        super().__init__(name, **options)
        if not isinstance(config, Mapping | None):
            raise ConfigError(f"config must be a dictionary of options, not {type(config).__name__}")
        cls = bubble.find_class(self.authenticator_class) if self.authenticator_class else None
        self.inner = None
        self.handlers: list[tuple[str, type[Any], Mapping[str, Any]]] = []
        if cls is not None:  # else the registry says that the option is missing
            self._fill(cls, config or {})

    def _fill(self, cls: type[Any], own: Mapping[str, Any]) -> None:
        self.inner = inner = bubble.blow(cls, own, self.parent)
        self._subject_path = subject_path(inner, self.subject_key, self.reusable_names)
        self.facade = Facade(self)
        self.handlers = [_three(each) for each in inner.get_handlers(self._app)]
        stock_page = inner.login_url("/hub/") == "/hub/login" and all(
            handler is LoginHandler for pattern, handler, _ in self.handlers if pattern.strip("^/$?") == "login"
        )
        self._from_request = stock_page and bool(inner.auto_login)
        self.presentation = "form" if stock_page and not inner.auto_login else "button"
        self.ends_here = self.presentation == "form"
        self.place = Place(self.name, own_login=not stock_page)
        self.place.settle(inner)
        threaded = self.in_thread
        if threaded is None:
            threaded = blocks(inner, preset_of(cls).blocks, self.presentation == "form")
        pool = ThreadPoolExecutor(self.threads, f"hubauth-{self.name}") if threaded else None
        self._pipeline = Pipeline(inner, self._granted, pool)
        if self._rules_here():
            inner.any_allow_config = True
        inner.check_allow_config()

    @default("label")
    def _default_label(self) -> str:
        return (self.inner.login_service if self.inner else "") or self.name

    @property
    def host(self) -> Host:
        """The hub's authenticator."""
        return cast(Host, self.parent)

    @property
    def _app(self) -> Any:
        return self.parent.parent if self.parent else None

    @property
    def _base_url(self) -> str:
        return str(getattr(self._app, "hub_prefix", "/hub/"))

    # What `hubauth check` asks.

    @property
    def needs_system_users(self) -> bool:
        """Whether servers must run as the system user of the source's name: then a prefix and such a spawner clash."""
        return bubble.needs_system_users(self.inner)

    def warnings(self) -> list[str]:
        """What an administrator should know about this wrapped authenticator, a sentence each."""
        return list(
            advice(
                self,
                is_form=self.presentation == "form",
                path=self._subject_path,
                own_rules=self._rules_here(),
                names_people=bool(self.allowed_users),
                hub_manages_groups=bool(getattr(self.parent, "manage_groups", False)),
            )
        )

    # Signing in.

    async def begin_login(self, request: Request, transaction: Transaction) -> Step:
        """The wrapped one's form, or the way to its own pages."""
        if self.presentation == "form":
            return form_of(
                self.inner,
                base_url=self._base_url,
                action=sign_in_url(self._base_url, self.name),
                next_url=transaction.next_url,
                xsrf=_xsrf_of(request.handler),
            )
        if preset_of(type(self.inner)).elsewhere:
            raise LoginRefused(f"To sign in with {self.label}, open this hub from there.", code="begins_elsewhere")
        url = self.place.below(self._base_url) + FROM_REQUEST
        if not self._from_request:
            url = self.inner.login_url(self._base_url)
        return Redirect(url=url_concat(url, {"next": transaction.next_url}) if transaction.next_url else url)

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        """What the form brought. Raises LoginRefused, ProviderError."""
        if self.presentation != "form":
            raise LoginRefused("This sign-in ends elsewhere; please start again.", code="bad_request")
        own_markup = bool(self.inner.get_custom_html(self._base_url))
        sign_in = await self.sign_in(request.handler, data_of(request, own_markup=own_markup))
        if sign_in is None:
            raise bad_credentials()
        return sign_in

    async def sign_in(self, handler: Any, data: Any) -> SignIn | None:
        """Whom the wrapped one vouches for; None if it does not. Raises LoginRefused, ProviderError."""
        try:
            answer = await self._pipeline.run(View(handler, self.facade) if handler else None, data)
        except Exception as error:
            ours = as_ours(error, self.label)
            if isinstance(ours, ProviderError) and ours is not error:
                self.log.error(
                    "hubauth: %s failed in provider %r\n%s", type(self.inner).__name__, self.name, where(error)
                )
            raise ours from None
        if answer is None:
            return None
        model, verdict = answer
        return SignIn(
            identity=self._identity(model),
            decision=self._decision(model, verdict),
            state=model.get("auth_state"),
        )

    def _identity(self, model: Model) -> Identity:
        state = model.get("auth_state")
        claims = state.get(getattr(self.inner, "user_auth_state_key", "")) if isinstance(state, Mapping) else None
        claims = claims if isinstance(claims, Mapping) else {}
        try:
            subject = subject_of(model, self._subject_path)
        except ProviderError as error:
            self.log.error(
                "hubauth: provider %r: %s Set subject_key to a path that is there.", self.name, error.sentence
            )
            raise
        return Identity(
            provider=self.name,
            subject=subject,
            username=model["name"],
            name=_text(claims.get("name")),
            email=_text(claims.get("email")),
            email_verified=claims.get("email_verified") is True,
            groups=self._groups(model),
            roles=self._roles(model),
            claims=dict(claims),
        )

    @property
    def says_groups(self) -> bool:
        """Whether the wrapped one manages groups."""
        return self.inner is None or bool(self.inner.manage_groups)

    @property
    def says_roles(self) -> bool:
        """Whether the wrapped one manages roles."""
        return self.inner is None or bool(self.inner.manage_roles)

    def _roles(self, model: Model) -> frozenset[str] | None:
        """The names of its roles; what they may do is this hub's `role_map` to say."""
        roles = model.get("roles")
        return frozenset(role["name"] for role in roles) if self.inner.manage_roles and roles is not None else None

    def _groups(self, model: Model) -> frozenset[str] | None:
        groups = model.get("groups")
        return frozenset(groups) if self.inner.manage_groups and groups is not None else None

    def _decision(self, model: Model, verdict: Verdict) -> Decision | None:
        """The wrapped rules' word. None leaves it to this provider's own rules, which may let in more."""
        if not verdict.allowed and self._rules_here():
            return None
        return Decision(allowed=verdict.allowed, admin=model.get("admin"), groups=self._groups(model))

    def _rules_here(self) -> bool:
        return self.grants

    def _granted(self, model: Model) -> bool:
        """Whether a rule of this provider names the person of a model."""
        named = self.allowed_users | self.admin_users
        if (self.allowed_groups | self.admin_groups) & (self._groups(model) or frozenset()):
            return True
        if self.allow_all or self.normalize_username(model["name"]) in named:
            return True
        return any(entry.startswith("id:") for entry in named) and f"id:{self._identity(model).subject}" in named

    # Afterwards.

    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        """Ask the wrapped one's `refresh_user`; what it returns passes its own rules again."""
        user = SourceUser(hub.user, identity.username, hub.state)
        view = View(hub.handler, self.facade) if hub.handler else None
        try:
            answer = await maybe_future(self.inner.refresh_user(user, view))
            if not answer:
                return ReauthRequired("refused_by_source")
            if answer is True and self.presentation != "form":
                return _confirmed(identity, user)
            return await self._refreshed(identity, {} if answer is True else dict(answer), user, view)
        except Exception as error:
            if not is_outage(error) and status_of(error) is None:
                self.log.error("hubauth: refresh_user failed in provider %r\n%s", self.name, where(error))
            return refresh_after(error)

    async def _refreshed(self, identity: Identity, answer: Model, user: SourceUser, view: Any) -> RefreshedIdentity:
        model = {"name": identity.username, "auth_state": user.state, **answer}
        if "name" in answer:
            model["name"] = self.inner.normalize_username(answer["name"])
        verdict = await self._pipeline.judge(view, model)
        if verdict is None or not (verdict.allowed or self._rules_here()):
            return Refused("not_allowed")
        if not answer and verdict.allowed:
            return _confirmed(identity, user)
        now = self._identity(model) if model["auth_state"] or not self._subject_path else identity
        if now.subject != identity.subject:
            return ReauthRequired("somebody_else")
        return Updated(now, decision=self._decision(model, verdict), state=model["auth_state"])

    async def user_added(self, identity: Identity, hub: HubCall) -> None:
        """The wrapped one's `add_user`. Raises ProviderError; what it says (no such system user) is for the log."""
        try:
            await maybe_future(self.inner.add_user(self._user(identity, hub)))
        except Exception as error:
            self.log.error("hubauth: add_user of provider %r failed: %s: %s", self.name, type(error).__name__, error)
            raise ProviderError(f"{self.label} cannot set up your account here.", code="add_user_failed") from None

    async def user_deleted(self, identity: Identity, hub: HubCall) -> None:
        """The wrapped one's `delete_user`."""
        await maybe_future(self.inner.delete_user(self._user(identity, hub)))

    async def pre_spawn(self, identity: Identity, hub: HubCall) -> None:
        """The wrapped one's `pre_spawn_start`."""
        await maybe_future(self.inner.pre_spawn_start(self._user(identity, hub), hub.spawner))

    async def post_stop(self, identity: Identity, hub: HubCall) -> None:
        """The wrapped one's `post_spawn_stop`."""
        await maybe_future(self.inner.post_spawn_stop(self._user(identity, hub), hub.spawner))

    def _user(self, identity: Identity, hub: HubCall) -> SourceUser:
        async def keep(state: State) -> None:
            await self.host.lifecycle.keep_state(identity, state or {})

        return SourceUser(hub.user, identity.username, hub.state, keep if self.parent else None)

    # Logout.

    async def logged_out(self, identity: Identity, hub: HubCall) -> None:
        """The wrapped one's `handle_logout`, with the source's user, on the request that signs out."""
        logout = logout_handler(self.handlers)
        if logout is not None and hub.handler is not None:
            await as_their_logout(hub.handler, wrap(logout, self), self._user(identity, hub)).handle_logout()

    def logout_url(self, credential: Credential | None, return_to: str) -> str | None:
        """Where the wrapped one sends the browser; None where that is the hub's own page."""
        return logout_address(self.inner, logout_handler(self.handlers), self.place, self._base_url)

    # Pages.

    def pages(self) -> Sequence[Page]:
        """Every handler of the wrapped one, below this provider's path; the stock sign-in page is ours."""
        pages = [
            Page(pattern=self.place.pattern(pattern), handler=wrap(handler, self), options=options)
            for pattern, handler, options in self.handlers
            if handler is not LoginHandler
        ]
        if self._from_request:
            pages.append(Page(pattern=FROM_REQUEST, handler=wrap(SignInFromRequest, self)))
        return pages


def _three(entry: Any) -> tuple[str, type[Any], Mapping[str, Any]]:
    """A tornado route of two to four parts as pattern, handler, options."""
    pattern, handler, *rest = entry
    if not isinstance(handler, type):
        raise ConfigError(f"the page {pattern!r} names its handler {handler!r}; only classes can be wrapped")
    return pattern, handler, dict(rest[0] or {}) if rest else {}


def _confirmed(identity: Identity, user: SourceUser) -> RefreshedIdentity:
    return Updated(identity, decision=Decision(allowed=True), state=user.state) if user.saved else Unchanged()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _xsrf_of(handler: Any) -> str:
    token = getattr(handler, "xsrf_token", b"")
    return token.decode("ascii") if isinstance(token, bytes) else str(token)
