"""What `hubauth check` says of who may enter: each provider's rules in words, and what lets in more than is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..builtin.wrapped import WrappedAuthenticator
from ..oauth2 import OAuth2Provider
from ..oauth2.selfhosted import SelfHostedProvider
from ..provider import Provider
from .inspected import Finding, Inspected

PUBLIC: Final = frozenset(
    {
        *("github.com", "gitlab.com", "bitbucket.org", "accounts.google.com", "auth.globus.org", "cilogon.org"),
        *("orcid.org", "huggingface.co", "discord.com", "www.facebook.com", "appleid.apple.com", "login.yahoo.com"),
    }
)
"""Sources at which anybody can have an account."""

MANY: Final = ("/common/", "/organizations/", "/consumers/")
"""Paths at Microsoft that stand for more than one directory."""

SHOWN: Final = 8
"""Entries of a rule that are told."""

ADDRESSES: Final = frozenset({"email", "mail", "email_address", "upn"})


HUB_GROUPS: Final = ("allowed_groups", "admin_groups", "allowed_system_groups")
"""Hub-wide options that let people in by a group."""


def entrance(hub: Inspected) -> Iterator[Finding]:
    """Rules that let somebody in. Without any, nobody enters."""
    told = hub.authenticator
    hub_wide = (*("allow_all", "allowed_users", "admin_users", "allow_existing_users"), *HUB_GROUPS)
    if any(getattr(told, option) for option in hub_wide):
        yield Finding("ok", "access", f"A hub-wide rule lets people in{': everybody' if told.allow_all else ''}.")
        return
    ways_in = [(name, provider) for name, provider in hub.providers if not provider.only_connects]
    closed = [name for name, provider in ways_in if not lets_in(provider)]
    everybody = len(closed) == len(ways_in)
    for name in closed:
        yield Finding(
            "error" if everybody else "warning",
            name,
            f"No rule lets anybody in{', here or through another provider' if everybody else ' through this provider'}."
            " Set allow_all, allowed_users, or another option that begins with 'allow'.",
        )


def lets_in(provider: Provider) -> bool:
    """Whether a provider has a rule that grants, or brings rules of its own.

    A wrapped authenticator says itself, among its warnings, that no rule of it lets anybody in.
    """
    return provider.brings_rules or isinstance(provider, WrappedAuthenticator) or provider.grants


def who_may_enter(hub: Inspected) -> Iterator[Finding]:
    """The rules of every provider, its type's own among them, in words."""
    for name, provider in hub.providers:
        if not (isinstance(provider, WrappedAuthenticator) or provider.only_connects):
            yield Finding("ok", name, " ".join(_sentences(provider)))


def _sentences(provider: Provider) -> Iterator[str]:
    grants = dict.fromkeys([*_rules(provider, "allowed_"), *_rules(provider, "admin_")])
    if provider.allow_all:
        yield f"May enter: everybody with an account at {provider.label}."
    elif grants:
        yield f"May enter: {'; '.join(grants)}."
    elif provider.brings_rules or provider.grants:
        yield "May enter: whom its own rules let in."
    else:
        yield "No rule here lets anybody in."
    if only := _restrictions(provider):
        yield f"Only if: {'; '.join(only)}."
    if provider.blocked_users:
        yield f"Never: {_listed(provider.blocked_users)}."
    if admins := _rules(provider, "admin_"):
        yield f"Administrators: {'; '.join(admins)}."
    if provider.first_login in ("link", "refuse"):
        yield f'Nobody new (first_login = "{provider.first_login}").'


def _rules(provider: Provider, begins: str) -> list[str]:
    """The options that begin so and are set, as words: `allowed_gitlab_groups` -> `gitlab groups a, b`."""
    names = sorted(name for name in provider.trait_names(config=True) if name.startswith(begins))
    return [
        f"{name.removeprefix(begins).replace('_', ' ')} {_listed(getattr(provider, name))}"
        for name in names
        if getattr(provider, name)
    ]


def _restrictions(provider: Provider) -> list[str]:
    verified = ["an e-mail address that is verified"] if provider.require_verified_email else []
    return [*_rules(provider, "required_"), *verified]


def _listed(value: Any) -> str:
    entries: Iterable[Any] = value
    if isinstance(value, Mapping):
        entries = [f"{key} = {' or '.join(map(str, each))}" for key, each in value.items()]
    elif isinstance(value, str | int):
        entries = [value]
    told = sorted(map(str, entries))
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more


def dangers(hub: Inspected) -> Iterator[Finding]:
    """What works, and lets in or shows more than most people want."""
    for name, provider in hub.providers:
        for text in _dangers(provider, everybody=hub.authenticator.allow_all):
            yield Finding("warning", name, text)
    public = urlsplit(hub.hub.public_url or "")
    if public.scheme == "http" and public.hostname not in ("127.0.0.1", "localhost", "::1"):
        text = f"c.JupyterHub.public_url = {hub.hub.public_url!r}: sessions and codes travel in the clear. Use https."
        yield Finding("warning", "address", text)


def _dangers(provider: Provider, *, everybody: bool) -> Iterator[str]:
    option = "allow_all" if provider.allow_all else "c.Authenticator.allow_all" if everybody else ""
    newcomers = provider.first_login not in ("link", "refuse")
    if option and newcomers and not _rules(provider, "required_") and _is_public(provider):
        yield (
            f"{option} lets in everybody in the world who has an account at {provider.label}. Name people or groups "
            "(allowed_...), or restrict it (required_...)."
        )
    if not isinstance(provider, OAuth2Provider):
        return
    for address in _addresses(provider):
        parts = urlsplit(address)
        if parts.scheme == "http" and parts.hostname in provider.allow_insecure_hosts:
            yield f"{address} is asked without encryption: codes, tokens and secrets travel in the clear."
    claim = provider.username_claim
    if isinstance(claim, str) and claim.rpartition(".")[2].lower() in ADDRESSES and not _loses_domain(provider):
        yield (
            f"Usernames are e-mail addresses (username_claim = {claim!r}): they stand in every address of the hub, and "
            "people change them. A claim such as preferred_username makes better names."
        )


def _is_public(provider: Provider) -> bool:
    if not isinstance(provider, OAuth2Provider):
        return provider.open_to_anybody
    addresses = _addresses(provider)
    return any(urlsplit(each).hostname in PUBLIC or any(part in each for part in MANY) for each in addresses)


def _addresses(provider: OAuth2Provider) -> list[str]:
    own = [getattr(provider, "issuer", ""), provider.authorize_url, provider.token_url, provider.userinfo_url]
    site = [provider.url] if isinstance(provider, SelfHostedProvider) else []
    return list(dict.fromkeys(each for each in [*own, *site] if each))


def _loses_domain(provider: Provider) -> bool:
    return bool(getattr(provider, "strip_domain", False))
