"""HubAuthenticator, the face that JupyterHub sees: it reads the configuration, builds the house, hands out pages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.utils import maybe_future, url_path_join
from traitlets import Bool, Dict, Enum, Float, Int, List, Unicode, default
from traitlets.config import Application

from .auth_model import auth_state, issued, rights
from .configure import in_vain, lacking, told_of
from .database import Database, open_database, store_url
from .discovery import nearest
from .ending import end_sessions
from .errors import ConfigError, HubAuthError
from .first_login import spoken_for
from .hub import JupyterHubUsers, configured_names, hub_user
from .lending import Lending
from .lifecycle import Lifecycle
from .linking import Linking
from .mapping import Mapper
from .names import prefixes_of
from .needs_keys import check_without_keys
from .registry import Registry
from .renewal import Renewal
from .revocation import Revoker
from .signin import Admitted, SignInFlow
from .spawning import Spawning
from .strongroom import Strongroom, furnish
from .transaction import Seal, UsedStates
from .types import Decision, HubCall
from .web import session
from .web.api import HANDLERS as API
from .web.callers import define_scope
from .web.connections import HANDLERS as CONNECTIONS
from .web.handout import HandOut
from .web.hub_users import HANDLERS as HUB_USERS
from .web.pages import HANDLERS
from .web.rate import RateLimit
from .web.view import TEMPLATES


class HubAuthenticator(Authenticator):  # type: ignore[misc]  # jupyterhub is untyped
    """Signs people in through any number of providers at once."""

    providers = Dict(
        key_trait=Unicode(),
        help="The providers: a name that never changes -> its options. `type` defaults to the name; the order is the "
        "order on the sign-in page. Where it is empty, every installed type whose required options are set becomes a "
        "provider of its own name.",
    ).tag(config=True)
    plugins = List(
        Unicode(),
        help="Cross-cutting plugins to load (entry points of the group `hubauth.plugins`), in the order of calls.",
    ).tag(config=True)
    on_broken_provider = Enum(
        ["stop", "disable"],
        "stop",
        help="What to do at start with a provider that is misconfigured or broken: stop the hub with a message, or "
        "start without it.",
    ).tag(config=True)
    db_url = Unicode(
        help="hubauth's own database. Defaults to `hubauth.sqlite` beside the hub's SQLite file, or to the hub's "
        "database if that is PostgreSQL or MySQL."
    ).tag(config=True)
    upgrade_db = Bool(False, help="Upgrade hubauth's database at start, if an older version made it.").tag(config=True)
    hook_timeout = Float(30, min=1, help="Seconds after which a call of a plugin counts as failed.").tag(config=True)
    audit_log = Unicode(help="A file that takes every sign-in and every refusal, one JSON object a line.").tag(
        config=True
    )
    audit_required = Bool(True, help="Refuse a sign-in that cannot be written to `audit_log`.").tag(config=True)
    recent_sign_in = Float(
        900,
        min=60,
        help="Seconds after a sign-in within which people may connect and disconnect identities; later they are asked "
        "to sign in once more.",
    ).tag(config=True)
    revoke_on_logout = Bool(
        False,
        help="Have providers take back at sign-out what they issued for the user, connected identities included. "
        "The user's servers get no token then before the next sign-in.",
    ).tag(config=True)
    auth_state_tokens = Bool(
        False,
        help="Put tokens into auth_state as OAuthenticator does (`access_token`, `id_token`, `scope`, "
        "`<provider>_user`), for code that expects them there.",
    ).tag(config=True)

    git_credential_helper = Bool(
        False,
        help="Let git in a user's server open private repositories with the user's own credentials (`git_urls` of the "
        "providers). The server needs `hubauth-singleuser`.",
    ).tag(config=True)
    spawner_environment = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Variables to give every server: name -> `provider` or `provider/resource`. Each holds a token that is "
        "fresh when the server starts, and is not renewed there.",
    ).tag(config=True)
    spawner_files = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Files to keep in every server: path -> `provider` or `provider/resource`. `hubauth-singleuser` writes "
        "them there and keeps them fresh.",
    ).tag(config=True)

    renew_ahead = Float(
        0,
        min=0,
        help="Seconds before their expiry at which credentials of people with a running server are renewed in the "
        "background; 0 renews them when they are asked for.",
    ).tag(config=True)
    credential_rate_limit = Int(
        600,
        min=0,
        help="How many credentials one token may ask for in a minute, and at once; 0 for as many as it likes.",
    ).tag(config=True)
    credential_api_url = Unicode(
        help="Where servers ask for credentials, in place of the hub: the address of `hubauth credential-service`. It "
        "is their `HUBAUTH_API_URL`."
    ).tag(config=True)

    @default("allow_existing_users")
    def _people_can_be_removed(self) -> bool:
        # JupyterHub's default would go on allowing whoever was allowed once.
        return False

    @default("auth_refresh_strict")
    def _refusals_hold_for_tokens(self) -> bool:
        return True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            self._build(self.parent)
        except ConfigError as error:
            if not isinstance(self.parent, Application):
                raise
            self.log.critical("hubauth cannot start.\n%s", error.sentence)
            self.parent.exit(1)

    def _build(self, app: Any) -> None:
        registry = self.load_registry()
        configured = self.configured_prefixes(registry)
        database = self.open_store(app, upgrade=self.upgrade_db or app.upgrade_db)
        room = furnish(self, registry, database, several=len(configured) > 1)
        prefixes = room.identities.record_prefixes(prefixes_of(configured))
        hub_users = JupyterHubUsers(lambda: app.db)
        room.identities.sweep(hub_users.everybody())
        if not room.vault.enabled:
            check_without_keys(self, registry.providers)
        mapper = self.make_mapper(app, room, prefixes, hub_users)
        self._build_sign_in(room, mapper)
        self._build_credentials(app, room)
        self._build_background(database, room, hub_users)
        self.seal = Seal(app.cookie_secret)
        self.used = UsedStates()
        self.public_url: str = app.public_url
        self._start_providers(app, room, mapper, database)

    def _start_providers(self, app: Any, room: Strongroom, mapper: Mapper, database: Database) -> None:
        """Lend the providers what they need, and show their templates beside ours. Raises ConfigError."""
        self.lending = Lending(
            app,
            database=database,
            identities=room.identities,
            mapper=mapper,
            audit=room.audit,
            upgrade=self.upgrade_db or app.upgrade_db,
            providers=room.registry.order,
        )
        folders = [TEMPLATES]
        for name, provider in list(room.registry.providers.items()):
            try:
                room.registry.ask_now("hubauth_start", name, core=self.lending.to(provider))
            except HubAuthError as error:
                if self.on_broken_provider != "disable":
                    raise ConfigError(f"provider {name!r}: {error.sentence}") from error
                room.registry.put_out_of_service(name, error.sentence)
            folders += [provider.templates] if provider.templates else []
        entries = [
            replace(entry, path=f"auth/{name}/{entry.path}")
            for name, provider in room.registry.providers.items()
            for entry in provider.entries()
        ]
        app.template_vars = {"hubauth_entries": entries, **app.template_vars}
        _offer_templates(app, folders)

    def make_mapper(
        self, app: Any, room: Strongroom, prefixes: Mapping[str, str], hub_users: JupyterHubUsers
    ) -> Mapper:
        """Where identities lead under these options. `prefixes`: those in force."""
        return Mapper(
            prefixes,
            room.identities,
            hub_users,
            validate_username=self.validate_username,
            listed=self.allowed_users | self.admin_users,
            spoken_for=self._spoken_for(app) | spoken_for(room.registry.providers, prefixes),
            username_map=self.username_map,
        )

    def _build_sign_in(self, room: Strongroom, mapper: Mapper) -> None:
        """What brings people in, and follows them afterwards."""
        registry, access, identities, vault = room.registry, room.access, room.identities, room.vault
        self.linking = Linking(registry=registry, access=access, identities=identities, vault=vault, audit=room.audit)
        self.flow = SignInFlow(
            registry=registry,
            access=access,
            mapper=mapper,
            identities=identities,
            vault=vault,
            audit=room.audit,
            linking=self.linking,
        )
        self.lifecycle = Lifecycle(
            registry=registry,
            access=access,
            identities=identities,
            vault=vault,
            refresher=room.refresher,
            log=self.log,
        )

    def _build_credentials(self, app: Any, room: Strongroom) -> None:
        """What hands credentials out: the REST API, and what servers start with."""
        self.retrieval = room.retrieval
        self.hand_out = HandOut(room.retrieval, RateLimit(self.credential_rate_limit))
        self.spawning = Spawning(
            registry=room.registry,
            identities=room.identities,
            retrieval=room.retrieval,
            log=self.log,
            environment=self.spawner_environment,
            files=self.spawner_files,
            git=self.git_credential_helper,
            api_url=self.credential_api_url,
        )
        self.spawning.check()
        define_scope()
        if room.vault.enabled and (roles := lacking(app.load_roles, getattr(app, "extra_user_scopes", ()))):
            level = logging.WARNING if in_vain(self, roles) else logging.INFO
            self.log.log(level, "hubauth: %s", told_of(roles))

    def _build_background(self, database: Database, room: Strongroom, hub_users: JupyterHubUsers) -> None:
        """What goes on while nobody asks; see `work_in_background`."""
        self.revoker = Revoker(
            registry=room.registry, database=database, vault=room.vault, audit=room.audit, log=self.log
        )
        self.renewal = Renewal(
            database=database,
            retrieval=room.retrieval,
            running=hub_users.running,
            ahead=self.renew_ahead,
            log=self.log,
        )

    def configured_prefixes(self, registry: Registry) -> dict[str, str | None]:
        """`username_prefix` of every provider as configured, those out of service included."""
        configured: dict[str, str | None] = dict.fromkeys(registry.broken)
        configured |= {name: _prefix(registry, name, options) for name, options in self.providers.items()}
        return configured | {name: each.username_prefix for name, each in registry.providers.items()}

    def open_store(self, app: Any, *, upgrade: bool = False, create: bool = True) -> Database:
        """hubauth's database, where the options and the hub's own say. Raises ConfigError."""
        url = store_url(self.db_url, app.db_url)
        options = app.db_kwargs if url == app.db_url else None
        return open_database(url, upgrade=upgrade, create=create, engine_options=options)

    def _spoken_for(self, app: Any) -> frozenset[str]:
        """The hub usernames of the hub's own configuration that nobody may pick at a first sign-in."""
        return configured_names(app).union(self.blocked_users, self.username_map.values())

    def load_registry(self) -> Registry:
        """The providers and plugins of the configuration. Raises ConfigError with everything that is wrong."""
        for option in self.config.get("HubAuthenticator", {}):
            known = HubAuthenticator.class_trait_names(config=True)
            if option not in known:
                raise ConfigError(f"unknown option c.HubAuthenticator.{option}. {nearest(option, known)}")
        registry = Registry(parent=self, log=self.log, hook_timeout=self.hook_timeout)
        registry.load_plugins(self.plugins)
        disable_broken = self.on_broken_provider == "disable"
        if self.providers:
            registry.configure(self.providers, disable_broken=disable_broken)
        else:
            registry.discover(disable_broken=disable_broken)
        adopting = [name for name, each in registry.providers.items() if each.adopt == "existing"]
        if len(adopting) > 1:
            raise ConfigError(f"only one provider may have adopt = 'existing', not {' and '.join(adopting)}")
        for name, each in registry.providers.items():
            if each.longest_call > self.hook_timeout:
                raise ConfigError(_cut_off(name, each.longest_call, self.hook_timeout))
        return registry

    @property
    def registry(self) -> Registry:
        return self.flow.registry

    # What the hub asks at a sign-in.

    async def authenticate(self, handler: Any, data: Any = None) -> dict[str, Any] | None:
        """The hub's model of somebody who came through one of our pages; nobody else gets one."""
        admitted = data.get("hubauth") if isinstance(data, dict) else None
        if not isinstance(admitted, Admitted):
            return None
        model = self.model(admitted)
        if admitted.place.linked and self.enable_auth_state:  # it describes the home identity, which decides
            model["auth_state"] = await handler.find_user(admitted.place.name).get_auth_state()
        return model

    def model(self, admitted: Admitted) -> dict[str, Any]:
        """What the hub's `login_user` wants to know about a sign-in."""
        name = admitted.place.name
        kept = auth_state(admitted.sign_in, tokens=self.auth_state_tokens) if self.enable_auth_state else None
        return {
            "name": name,
            "auth_state": kept,
            "hubauth": admitted,
            **self._rights(name, admitted.verdict.decision),
        }

    def _rights(self, name: str, decision: Decision) -> dict[str, Any]:
        return rights(decision, listed_admin=name in self.admin_users, groups=self.manage_groups)

    def normalize_username(self, username: str) -> str:
        """The hub's spelling. `username_map` is not applied here: mapping applies it, once, at the first sign-in."""
        return username.lower()

    def check_allowed(self, username: str, authentication: Any = None) -> Any:
        """Whether a provider's rule grants, or else one of the hub-wide rules does."""
        admitted = (authentication or {}).get("hubauth")
        if isinstance(admitted, Admitted) and admitted.verdict.decision.allowed:
            return True
        return super().check_allowed(username, authentication)

    def check_allow_config(self) -> None:
        """Warn if nobody can enter; rules of providers count."""
        ruled = [name for name, each in self.registry.providers.items() if each.grants or each.brings_rules]
        if not ruled:
            super().check_allow_config()

    async def welcome(self, handler: Any, admitted: Admitted) -> Any:
        """Sign somebody in at the hub, and record who they are. Raises LoginRefused, StoreError."""
        try:
            user = await handler.login_user({"hubauth": admitted})
        except BaseException:
            refusal = self.flow.turned_away(admitted)
            refusal.code = "hub_failed"
            self.flow.refused(admitted.identity.provider, refusal, address=handler.request.remote_ip or "")
            raise
        if user is None:
            raise self.flow.turned_away(admitted)
        await self.settle(handler, admitted, user)
        return user

    async def settle(self, handler: Any, admitted: Admitted, user: Any) -> None:
        """Record a sign-in that the hub has accepted. Raises StoreError, and then there is no session."""
        hub = HubCall(user=user, handler=handler, state=admitted.sign_in.state)
        provider, place = admitted.identity.provider, admitted.place
        try:
            self.flow.accepted(admitted, hub_user(user.orm_user))
            if not place.returning:
                await self.registry.ask("hubauth_user_added", provider, identity=admitted.identity, hub=hub)
            elif place.record is not None and place.record.hub_name != user.name:
                old = place.record.hub_name
                await self.registry.ask(
                    "hubauth_user_renamed", provider, identity=admitted.identity, hub=hub, old_name=old
                )
            await self.flow.bind(admitted, hub_user(user.orm_user), address=handler.request.remote_ip or "")
            session.remember(handler, user, self.public_url)
        except BaseException:
            handler.clear_login_cookie()
            handler._jupyterhub_user = None
            raise

    # What the hub asks and tells afterwards.

    async def refresh_user(self, user: Any, handler: Any = None) -> Any:
        """True, False ("sign in again"), or a new model. A source that does not answer keeps people signed in."""
        if handler is not None:  # 6.1 asks a refused session for it, and has it for tokens only
            vars(handler).setdefault("_token_authenticated", False)
        if not await maybe_future(self.check_blocked_users(user.name)):
            return False
        answer = await self.lifecycle.refresh(user, handler)
        if isinstance(answer, bool):
            return answer
        if not (answer.decision.allowed or self.allow_all or super().check_allowed(user.name)):
            return False
        now = self._rights(user.name, answer.decision)
        if now["admin"] in (None, user.admin) and now.get("groups") is None:
            return True
        return {"name": user.name, **now}

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        await self.lifecycle.server_starts(user, spawner)
        await self.spawning.equip(hub_user(user.orm_user), spawner)
        if self.auth_state_tokens and self.enable_auth_state:
            await self._renew_auth_state(user)

    async def _renew_auth_state(self, user: Any) -> None:
        """Write the tokens as they are now where a spawner's auth_state_hook reads them."""
        state = await user.get_auth_state() or {}
        credential = await self.lifecycle.credential_behind(user, state.get("provider"), state.get("subject"))
        if credential is not None and not issued(credential).items() <= state.items():
            await user.save_auth_state(state | issued(credential))

    async def post_spawn_stop(self, user: Any, spawner: Any) -> None:
        await self.lifecycle.server_stopped(user, spawner)

    async def add_user(self, user: Any) -> None:
        """At start, for every hub user. Of a new one the provider hears when its sign-in is recorded."""
        super().add_user(user)
        await self.lifecycle.added(user)

    async def delete_user(self, user: Any) -> None:
        await self.lifecycle.deleted(user)
        super().delete_user(user)

    def end_sessions(self, handler: Any, user: Any) -> None:
        """End every session of a hub user, on the server too (rows V10, 7.4.1)."""
        end_sessions(handler.db, user.orm_user)

    async def goodbye(self, handler: Any, user: Any) -> str | None:
        """End every session of a hub user, and tell the providers; where its browser goes then."""
        self.end_sessions(handler, user)
        await self.lifecycle.logged_out(user, handler)
        way_out = await self.lifecycle.way_out(user, self.login_url(handler.hub.base_url))
        if self.revoke_on_logout:
            await self.lifecycle.give_back(user)
        return way_out

    # Pages.

    def get_handlers(self, app: Any) -> list[Any]:
        """Our pages, the API, and the providers' own pages below their paths.

        The hub asks once, when it is about to serve; JupyterHub's other commands do not.
        """
        self.work_in_background()
        pages: list[Any] = [*HANDLERS, *CONNECTIONS, *HUB_USERS, *API]
        for name in self.registry.providers:
            for page in self.registry.ask_now("hubauth_pages", name):
                below = f"/api/hubauth/providers/{name}" if page.api else f"/auth/{name}"
                pages.append((rf"{below}/(?:{page.pattern.lstrip('/')})", page.handler, dict(page.options)))
        return pages

    def work_in_background(self) -> None:
        """Begin what goes on for as long as the hub runs; the hub cancels it when it stops."""
        work = (self.revoker.run(), self.renewal.run(), self.lending.run())
        self._background = [asyncio.get_running_loop().create_task(each) for each in work]

    def login_url(self, base_url: str) -> str:
        """Where a sign-in begins: at the only provider there is, or at the page with all of them."""
        alone = self.registry.alone
        path = ("auth", alone.name, "login") if alone is not None else ("login",)
        return str(url_path_join(base_url, *path))


def _prefix(registry: Registry, name: str, options: Any) -> str | None:
    """The prefix as configured, also for a provider that is out of service."""
    if name in registry.providers:
        return registry.providers[name].username_prefix
    return options.get("username_prefix") if isinstance(options, Mapping) else None


def _cut_off(name: str, longest: float, limit: float) -> str:
    return (
        f"Provider {name!r} may take {longest:g} s for one call (request_timeout), and c.HubAuthenticator.hook_timeout "
        f"ends it after {limit:g} s: a renewal could be cut off when the source has spent the refresh token. Set "
        f"c.HubAuthenticator.hook_timeout = {longest:g}, or a shorter request_timeout."
    )


def _offer_templates(app: Any, folders: Sequence[Path]) -> None:
    """Put our templates before the hub's own and after the administrator's."""
    paths, stock = app.template_paths, app._template_paths_default()[0]
    for folder in dict.fromkeys(map(str, folders)):
        if folder not in paths:
            paths.insert(paths.index(stock) if stock in paths else len(paths), folder)
