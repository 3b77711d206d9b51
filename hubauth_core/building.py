"""The house is built: from the options to rooms that know each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from traitlets.config import Application

from . import hub_rules
from .asking import Asking
from .configure import in_vain, lacking, told_of
from .database import Database, open_database, store_url
from .discovery import nearest
from .errors import ConfigError, HubAuthError
from .first_login import spoken_for
from .hub import JupyterHubUsers, configured_names
from .hub_options import HubOptions
from .hub_roles import HubRoles
from .idle import Idle
from .kept_state import KeptState
from .lending import Lending
from .lifecycle import Lifecycle
from .linking import Linking
from .mapping import Mapper
from .names import prefixes_of
from .needs_keys import check_without_keys
from .recheck import Recheck
from .registry import Registry
from .renewal import Renewal
from .revocation import Revoker
from .signin import SignInFlow
from .spawning import Spawning
from .staying import Staying
from .strongroom import Strongroom, furnish
from .system_users import SystemUsers
from .transaction import Seal, UsedStates
from .web.callers import define_scopes
from .web.handout import HandOut
from .web.rate import RateLimit
from .web.view import TEMPLATES


class Building(HubOptions):
    """Reads the configuration and puts the house together; what is wrong stops the hub with a sentence."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            self._build(self.parent)
        except ConfigError as error:
            self.stop_hub(error)

    def stop_hub(self, error: ConfigError) -> None:
        """End the hub, which is starting, with a sentence. Raises the error where there is no hub."""
        if not isinstance(self.parent, Application):
            raise error
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
        self.hub_roles = HubRoles()
        self.system_users = SystemUsers(
            create=self.create_system_users,
            require=self.require_system_users,
            command=self.add_user_cmd,
            uids=self.uids,
            groups=self.allowed_system_groups,
            log=self.log,
        )
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
        if not self.auth_refresh_age:
            self.log.warning(
                "hubauth: with c.Authenticator.auth_refresh_age = 0 no source is asked again, and no rule applied: "
                "who was let in stays until the session ends."
            )
        kept = KeptState(identities=identities, vault=vault, log=self.log)
        asking = Asking(
            registry=registry, vault=vault, refresher=room.refresher, kept=kept, recheck=Recheck(), log=self.log
        )
        self.staying = Staying(
            registry=registry, access=access, identities=identities, vault=vault, asking=asking, log=self.log
        )
        self.lifecycle = Lifecycle(
            registry=registry,
            identities=identities,
            vault=vault,
            refresher=room.refresher,
            kept=kept,
            log=self.log,
        )

    def _build_credentials(self, app: Any, room: Strongroom) -> None:
        """What hands credentials out: the REST API, and what servers start with."""
        self.retrieval = room.retrieval
        self.call_limit = RateLimit(self.credential_rate_limit)
        self.hand_out = HandOut(room.retrieval, self.call_limit)
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
        define_scopes()
        if room.vault.enabled and (roles := lacking(app.load_roles, getattr(app, "extra_user_scopes", ()))):
            level = logging.WARNING if in_vain(self, roles) else logging.INFO
            self.log.log(level, "hubauth: %s", told_of(roles))

    def _build_background(self, database: Database, room: Strongroom, hub_users: JupyterHubUsers) -> None:
        """What goes on while nobody asks; see `work_in_background`."""
        self.revoker = Revoker(
            registry=room.registry, database=database, vault=room.vault, audit=room.audit, log=self.log
        )
        self.idle = Idle(after=self.session_idle, session=lambda: self.parent.db, audit=room.audit, log=self.log)
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
            known = self.class_trait_names(config=True)
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
        if problem := _no_callback(self.oauth_callback_provider, registry):
            raise ConfigError(problem)
        several = len(self.configured_prefixes(registry)) > 1
        hub_rules.check(self, registry.providers, several=several, broken=registry.broken.keys())
        for name, each in registry.providers.items():
            if each.longest_call > self.hook_timeout:
                raise ConfigError(_cut_off(name, each.longest_call, self.hook_timeout))
        return registry

    @property
    def registry(self) -> Registry:
        return self.flow.registry


def _prefix(registry: Registry, name: str, options: Any) -> str | None:
    """The prefix as configured, also for a provider that is out of service."""
    if name in registry.providers:
        return registry.providers[name].username_prefix
    return options.get("username_prefix") if isinstance(options, Mapping) else None


def _no_callback(name: str, registry: Registry) -> str:
    """Why OAuthenticator's addresses cannot be this provider's, "" if they can."""
    if not name or name in registry.broken:
        return ""
    if name not in registry.providers:
        return f"c.HubAuthenticator.oauth_callback_provider: no provider {name!r}. {nearest(name, registry.providers)}"
    if not registry.providers[name].has_trait("redirect_url"):
        return f"c.HubAuthenticator.oauth_callback_provider = {name!r}: only a type with redirect_url can have it."
    return ""


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
