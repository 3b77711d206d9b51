"""What `hubauth check` looks at. Each rule looks at one thing and says what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jupyterhub.utils import url_path_join
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from ..configure import SCOPE, in_vain, lacking, told_of
from ..database import open_database
from ..errors import ConfigError
from ..hub import needs_system_users
from ..names import prefixes_of
from ..oauth2 import OAuth2Provider
from ..sweep import check_prefixes
from ..web.view import find_icon
from .entry_rules import dangers, entrance, who_may_enter
from .inspected import Finding, Inspected
from .key_rules import crypt_keys, stored
from .leaving_rules import way_out
from .link_rules import first_sign_in, navigation
from .role_rules import one_time_codes, roles
from .store import address, shown
from .trial import started

Rule = Callable[[Inspected], Iterator[Finding]]

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def broken(hub: Inspected) -> Iterator[Finding]:
    """Providers that cannot be made."""
    for name, reason in hub.registry.broken.items():
        sentence = reason if reason.endswith((".", "?")) else f"{reason}."
        if hub.fatal:
            yield Finding("error", name, f"{sentence} The hub does not start with it.")
        else:
            yield Finding("warning", name, f'{sentence} on_broken_provider = "disable": the hub starts without it.')


def in_service(hub: Inspected) -> Iterator[Finding]:
    """Whether there is anything to sign in with."""
    names = list(hub.registry.providers)
    if names:
        yield Finding("ok", "providers", f"In service, in this order: {', '.join(names)}.")
    elif not hub.registry.broken:
        yield Finding(
            "error",
            "providers",
            "Nobody can sign in: no provider is configured. Set c.HubAuthenticator.providers; `hubauth providers` "
            "lists the installed types.",
        )


def prefixes(hub: Inspected) -> Iterator[Finding]:
    """What hub usernames begin with: no two clash, and none differs from what is recorded."""
    try:
        found = prefixes_of(hub.prefixes())
        url = make_url(address(hub.hub))
        if url.get_backend_name() == "sqlite" and Path(url.database or "").is_file():
            database = open_database(url.render_as_string(hide_password=False))
            try:
                check_prefixes(database, found)
            finally:
                database.close()
    except ConfigError as error:
        yield Finding("error", "usernames", error.sentence)
        return
    for name, prefix in found.items():
        begins = f"begin with {prefix.text!r}" if prefix.text else "are those of the provider, without a prefix"
        yield Finding("ok", name, f"Hub usernames {begins}.")
    yield Finding("ok", "database", f"Identities are kept in {shown(str(url))}.")


def first_start(hub: Inspected) -> Iterator[Finding]:
    """Beside a hub that has users, a new store stops the start until the administrator says that it is right."""
    theirs = make_url(hub.hub.db_url)
    try:
        ours = make_url(address(hub.hub))
    except ConfigError:
        return  # told by `prefixes`
    if not (_is_file(theirs) and ours.get_backend_name() == "sqlite" and not _is_file(ours)):
        return
    engine = create_engine(f"sqlite:///file:{theirs.database}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            users = connection.execute(text("SELECT count(*) FROM users")).scalar_one()
    except SQLAlchemyError:
        return  # no database of a hub that was started; the hub itself will say so
    finally:
        engine.dispose()
    if users:
        yield Finding(
            "warning",
            "database",
            f"This hub has {users} users; hubauth knows none of them. Run `hubauth init` before the first start, "
            "and read in the how-to on several providers who may go on under the own name.",
        )


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and Path(url.database or "").is_file()


def spawner(hub: Inspected) -> Iterator[Finding]:
    """A prefixed name is no user of the system."""
    cls = hub.hub.spawner_class
    prefixed = [f"{name} ({prefix!r})" for name, prefix in _texts(hub).items() if prefix]
    if prefixed and needs_system_users(cls, hub.hub.config):
        yield Finding(
            "error",
            "spawner",
            f"{cls.__name__} runs servers as the system user of the hub user's name, and names with a prefix are none: "
            f"{', '.join(prefixed)}. Take another spawner, or keep only the provider whose people are users of the "
            'system, with username_prefix = "".',
        )


def refresh(hub: Inspected) -> Iterator[Finding]:
    """JupyterHub's help says otherwise, but an age of 0 switches off every refresh."""
    told = hub.authenticator
    wanted = [option for option in ("refresh_pre_spawn", "refresh_pre_stop") if getattr(told, option, False)]
    if told.auth_refresh_age == 0 and wanted:
        yield Finding(
            "warning",
            "refresh",
            f"c.Authenticator.auth_refresh_age = 0 switches {' and '.join(wanted)} off as well. Set a small age, such "
            "as 60, so that people are checked again before their servers start.",
        )
    elif told.auth_refresh_age == 0:
        yield Finding("warning", "refresh", "c.Authenticator.auth_refresh_age = 0: who was let in stays in.")


def public_url(hub: Inspected) -> Iterator[Finding]:
    """Where sources send browsers back to must not follow what a browser says the hub is called."""
    bind = urlsplit(hub.hub.bind_url)
    if hub.hub.public_url or bind.hostname in LOOPBACK:
        return
    yield Finding(
        "warning",
        "address",
        f"c.JupyterHub.public_url is not set and the hub listens at {hub.hub.bind_url}: callback addresses follow the "
        'Host header, which a stranger can choose. Set c.JupyterHub.public_url = "https://<your hub>/".',
    )


def callbacks(hub: Inspected) -> Iterator[Finding]:
    """What to register with each source."""
    base = hub.hub.public_url or (hub.hub.bind_url if urlsplit(hub.hub.bind_url).hostname in LOOPBACK else "")
    old = hub.authenticator.oauth_callback_provider
    for name, provider in hub.providers:
        if isinstance(provider, OAuth2Provider) or provider.answers_by_post:
            path = f"hub/auth/{name}/callback" if name != old else "hub/oauth_callback"
            ours = url_path_join(base or "https://<your hub>" + hub.hub.base_url, path)
            configured = getattr(provider, "redirect_url", "") or ours
            for url in [configured] if isinstance(configured, str) else configured:
                yield Finding("ok", name, f"Its callback address, to be registered with {provider.label}: {url}")
                if url.endswith("/hub/oauth_callback") and name != old:
                    text = f"Nothing answers at {url}: set c.HubAuthenticator.oauth_callback_provider = {name!r}."
                    yield Finding("error", name, text)


def own(hub: Inspected) -> Iterator[Finding]:
    """What providers find wrong with themselves, once they are started as in a hub."""
    for name, problem in started(hub):
        if problem:
            yield Finding("error" if hub.fatal else "warning", name, f"{problem.rstrip('.')}.")
            continue
        for sentence in hub.registry.provider(name).warnings():
            yield Finding("warning", name, f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.")


def icons(hub: Inspected) -> Iterator[Finding]:
    """Icons that the sign-in page cannot show; it shows none in their place."""
    for name, provider in hub.providers:
        if problem := find_icon(provider.icon, Path(hub.hub.data_files_path) / "static").problem:
            yield Finding("warning", name, f"The sign-in page shows no icon: {problem}.")


def scopes(hub: Inspected) -> Iterator[Finding]:
    """Who may read stored credentials: users their own, by `configure(c)`; everybody's, nobody without a warning."""
    roles = hub.hub.load_roles
    if missing := lacking(roles, getattr(hub.hub, "extra_user_scopes", ())):
        yield Finding("ok", "scopes", f"{told_of(missing)}.")
        for option in in_vain(hub.authenticator, missing):
            text = f"c.HubAuthenticator.{option} does nothing while the role server lacks {SCOPE}!user."
            yield Finding("warning", "scopes", text)
    else:
        yield Finding("ok", "scopes", f"People and their servers can read their own credentials ({SCOPE}!user).")
    for role in roles:
        if SCOPE in role.get("scopes", ()):
            text = f"Whoever has the role {role['name']!r} can read the stored credentials of every user ({SCOPE})."
            yield Finding("warning", "scopes", text)
    if told := [*_services(hub)]:
        yield Finding("ok", "scopes", f"Services that can read stored credentials: {', '.join(told)}.")


def _services(hub: Inspected) -> Iterator[str]:
    """The services that hold the scope, and of whom."""
    for role in hub.hub.load_roles:
        if held := [scope for scope in role.get("scopes", ()) if scope.partition("!")[0] == SCOPE]:
            for service in role.get("services", ()):
                yield f"{service} (role {role['name']}: {_of_whom(held)})"
    for service in hub.hub.services:
        if any(scope.partition("!")[0] == SCOPE for scope in service.get("oauth_client_allowed_scopes", ())):
            yield f"{service['name']} (those of whoever signs in to it)"


def _of_whom(held: list[str]) -> str:
    return "everybody's" if SCOPE in held else ", ".join(scope.partition("!")[2] for scope in held)


def _texts(hub: Inspected) -> dict[str, str]:
    """The prefix of each provider; nothing where they clash, which another rule tells."""
    try:
        return {name: prefix.text for name, prefix in prefixes_of(hub.prefixes()).items()}
    except ConfigError:
        return {}


RULES: Final[tuple[Rule, ...]] = (
    broken,
    in_service,
    prefixes,
    first_start,
    spawner,
    entrance,
    who_may_enter,
    dangers,
    first_sign_in,
    own,
    callbacks,
    way_out,
    icons,
    navigation,
    public_url,
    refresh,
    crypt_keys,
    stored,
    scopes,
    roles,
    one_time_codes,
)
