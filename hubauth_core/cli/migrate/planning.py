"""From an old configuration to the new one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from . import common
from .classes import OWN
from .reading import SEPARATOR, Old, Source
from .writing import Code, Draft, Plan

HUB_WIDE: Final = (
    *("any_allow_config", "allow_existing_users", "allowed_users", "admin_users", "blocked_users"),
    *("username_map", "username_pattern", "delete_invalid_users"),
    *("auto_login", "auto_login_oauth2_authorize", "otp_prompt", "request_otp"),
    *("enable_auth_state", "manage_groups", "manage_roles", "reset_managed_roles_on_startup"),
    *("auth_refresh_age", "auth_refresh_strict", "refresh_pre_spawn", "refresh_pre_stop"),
    *("post_auth_hook", "reconcile_auth_state_hook"),
)
"""JupyterHub's own options: they name hub users, who keep their names, and stay as they are."""

OURS: Final = ("custom_403_message", "create_system_users", "add_user_cmd", "uids")
"""Options for one provider there that are for the hub as a whole here, under the same name."""

SECRETIVE: Final = re.compile(r"secret|password|token|key$", re.IGNORECASE)

BY_PREFIX: Final = ("allowed_users", "admin_users", "blocked_users")


def plan(old: Old) -> Plan:
    """The configuration that lets the same people in under the same hub usernames."""
    found = Plan(origin=old.path.name)
    several = len(old.sources) > 1 or any(source.prefix is not None for source in old.sources)
    for source in old.sources:
        draft = Draft(name=_name(source, found, several), type=source.kind.type, notes=list(source.notes))
        _rights(source, draft, found, several)
        if source.wrapped:
            _wrap(source, draft)
        else:
            OWN[source.kind.cls](source, draft)
            common.move(old, source, draft)
        if draft.type == "social":
            _as_settings(draft)
        draft.notes += [
            f"{option} is no option of OAuthenticator 17.4, and was left out." for option in sorted(source.options)
        ]
        found.drafts.append(draft)
    if several:
        _hub_wide(old.hub, found)
        if old.hub.take("allow_all"):
            found.hub["Authenticator.allow_all"] = True
        found.notes.append(
            "Each provider has a callback address of its own, /hub/auth/<name>/callback, to be registered with it. Hub "
            "groups are called <provider>:<group>, unless the provider's group_map names them."
        )
    else:
        _keep_address(found)
    _tokens(old, found)
    return found


def _name(source: Source, found: Plan, several: bool) -> str:
    wanted = source.kind.name
    if several and (told := "_".join(re.findall(r"[a-z0-9]+", (source.prefix or "").lower()))):
        wanted = told if told[0].isalpha() else f"{source.kind.name}_{told}"
    taken = {draft.name for draft in found.drafts}
    return next(name for name in [wanted, *(f"{wanted}_{number}" for number in range(2, 99))] if name not in taken)


def _rights(source: Source, draft: Draft, found: Plan, several: bool) -> None:
    """Who is who: for the hub's only source by hub usernames, else by usernames of the source."""
    for option in OURS:
        if option in source.options:
            found.hub[f"HubAuthenticator.{option}"] = source.take(option)
    if source.local:
        _system_users(source, found)
    if not several:
        draft.put("username_prefix", "")
        _hub_wide(source, found)
        return
    draft.put("username_prefix", source.prefix)
    for option in BY_PREFIX:
        if names := source.take(option):
            draft.put(option, {str(name).lower().removeprefix(source.prefix or "") for name in names})
    if source.prefix and source.prefix.endswith(SEPARATOR) and "admin_users" in draft.options:
        draft.remarks["admin_users"] = "MultiAuthenticator compared these with the prefixed name, so that none matched."
    for option in HUB_WIDE:
        if option != "username_map" and source.options.pop(option, None) is not None:
            draft.notes.append(f"{option} is for the hub as a whole: c.Authenticator.{option}.")


def _system_users(source: Source, found: Plan) -> None:
    """Where OAuthenticator made no users of the machine, everybody had to have one."""
    if not found.hub.get("HubAuthenticator.create_system_users"):
        found.hub.pop("HubAuthenticator.create_system_users", None)
        found.hub["HubAuthenticator.require_system_users"] = True
    if groups := source.options.get("allowed_groups"):
        found.hub["HubAuthenticator.allowed_system_groups"] = set(groups)
        if not source.options.get("manage_groups"):
            source.take("allowed_groups")


def _hub_wide(source: Source, found: Plan) -> None:
    for option in HUB_WIDE:
        if option not in source.options:
            continue
        value = source.take(option)
        if callable(value):
            value = common.named(source, option, value, found.notes)
            found.remarks[f"Authenticator.{option}"] = (
                "It meets hubauth's auth_state: provider, subject, claims; with auth_state_tokens the old keys, too."
            )
        found.hub[f"Authenticator.{option}"] = value
    if found.hub.get("Authenticator.enable_auth_state"):
        found.hub.setdefault("Authenticator.refresh_pre_spawn", True)


def _keep_address(found: Plan) -> None:
    """Nothing has to be registered anew at the source."""
    draft = found.drafts[0]
    address = draft.options.get("redirect_url")
    if draft.type == "social":
        return
    if address is None or address.endswith("/hub/oauth_callback"):
        found.hub["HubAuthenticator.oauth_callback_provider"] = draft.name


def _wrap(source: Source, draft: Draft) -> None:
    """Another authenticator stays what it is, inside hubauth."""
    if label := source.take("login_service"):
        draft.put("label", label)
    for option in ("allow_all", "username_map"):
        if option in source.options:
            draft.put(option, source.take(option))
    draft.put("authenticator_class", source.wrapped)
    inner: dict[str, Any] = {}
    for option in list(source.options):
        value = source.take(option)
        if SECRETIVE.search(option):
            file = f"/etc/jupyterhub/{draft.name}-{option.replace('_', '-')}"
            value = Code(f'open("{file}").read().strip()')
            draft.notes.append(f"{option} was not printed: put it into a file that only the hub can read.")
        inner[option] = value
    if inner:
        draft.put("config", inner)
    draft.notes.append(
        f"{source.wrapped} goes on inside hubauth (docs/how-to/wrap-an-authenticator.md). If `hubauth check` asks for "
        "it, set subject_key or reusable_names."
    )


def _as_settings(draft: Draft) -> None:
    """A backend of python-social-auth has its own words for a client."""
    options, settings = draft.options, dict(draft.options["settings"])
    settings["KEY"] = options.pop("client_id", "")
    if "client_secret" in options:
        settings["SECRET"] = options.pop("client_secret")
    else:
        draft.put("setting_files", {"SECRET": options.pop("client_secret_file")})
        draft.remarks["setting_files"] = draft.remarks.pop("client_secret_file")
    draft.put("settings", settings)
    for option in ("scope", "redirect_url", "authorize_url", "token_url", "userinfo_url", "username_claim"):
        options.pop(option, None)


def _tokens(old: Old, found: Plan) -> None:
    keeps: Mapping[str, Any] = found.hub
    if keeps.get("Authenticator.enable_auth_state") and (readers := old.reads_auth_state):
        found.hub["HubAuthenticator.auth_state_tokens"] = True
        found.remarks["HubAuthenticator.auth_state_tokens"] = f"For {', '.join(readers)}, which may read tokens there."
