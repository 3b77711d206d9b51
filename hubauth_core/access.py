"""Who may enter, who is an administrator, in which groups and roles: the rules, in their provider's own language.

An entry names a username of the provider, or `id:<subject>`. A name counts for the first subject that used it; a
blocked name follows its subject through renames. Restrictions come first and hold whatever grants (row V05). Rules that
name hub users are JupyterHub's own traits, and are asked later, by JupyterHub.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from .claims import claim
from .errors import LoginRefused
from .mapping import Record
from .provider import Provider
from .rule_options import SUBJECT_MARK, is_lookalike
from .types import Decision, Identity

FAULTS: Final = frozenset({"rule_failed", "claim_failed"})
"""Reasons of a refusal that are the fault of a rule: nobody enters, and nothing is said for good about the person."""


class Pins(Protocol):
    """Which subject used a provider's username first, and which names a subject has used."""

    def pinned_subject(self, provider: str, username: str) -> str | None: ...

    def names_of(self, provider: str, subject: str) -> frozenset[str]: ...


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A decision, and the provider username it rests on: the binding checks that nobody else has it by then.

    It is not `certain` where rules look at what the source has not told yet. `said`: who it is by the source's word,
    where the source has just been asked.
    """

    decision: Decision
    relied_on: str | None = None
    certain: bool = True
    said: Identity | None = field(default=None, compare=False)


class Access:
    """Applies the rules of one provider to one identity.

    With `several` providers, groups are told apart as `<provider>:<group>`.
    """

    def __init__(self, pins: Pins, *, several: bool) -> None:
        self._pins = pins
        self._several = several

    def decide(
        self,
        provider: Provider,
        identity: Identity,
        own: Decision | None = None,
        *,
        scopes: AbstractSet[str] = frozenset(),
    ) -> Verdict:
        """The verdict on an identity; `own` is what a provider that brings rules of its own has decided, `scopes` what
        was granted.

        Raises LoginRefused for those whom a restriction keeps out, whatever else would allow them.
        """
        self.refuse_blocked(provider, identity)
        if own is not None and not own.allowed:
            raise LoginRefused(f"{provider.label} does not let you in.", code="not_allowed")
        _restrict(provider, identity)
        subject, name = f"{SUBJECT_MARK}{identity.subject}", self._own_name(provider, identity)
        in_admin_group = _is_in(identity, provider.admin_groups)
        admin, named_admin = subject in provider.admin_users or in_admin_group, name in provider.admin_users
        granted = (
            provider.allow_all
            or own is not None
            or admin
            or subject in provider.allowed_users
            or _is_in(identity, provider.allowed_groups)
            or _admits(provider, identity, scopes)
        )
        relies = (named_admin and not admin) or (name is not None and not granted)
        return Verdict(
            decision=Decision(
                allowed=granted or name is not None,
                admin=_admin(provider, own, admin or named_admin),
                groups=self._groups(provider, identity, own),
                roles=_roles(provider, identity, own),
            ),
            relied_on=name if relies else None,
        )

    def recorded(self, provider: Provider, record: Record) -> Verdict:
        """The verdict on what is recorded of an identity, where its source says nothing new. Raises LoginRefused.

        Whom a source's own rules let in, they still do until it says otherwise.
        """
        own = Decision(allowed=True) if provider.brings_rules else None
        return self.decide(provider, record.identity, own, scopes=record.scopes)

    def is_blocked_name(self, provider: Provider, identity: Identity) -> bool:
        """Whether the present username is on the block list, so that the block must follow the subject from now on."""
        name = _spelled(provider, identity)
        return name in provider.blocked_users and not name.startswith(SUBJECT_MARK)

    def refuse_blocked(self, provider: Provider, identity: Identity) -> None:
        """Raise LoginRefused for whom the block list names, or has named under an earlier username."""
        if not provider.blocked_users:
            return
        names = {_spelled(provider, identity), *self._pins.names_of(identity.provider, identity.subject)}
        entries = {name for name in names if not name.startswith(SUBJECT_MARK)} | {f"{SUBJECT_MARK}{identity.subject}"}
        if entries & provider.blocked_users:
            raise LoginRefused("You may not sign in to this hub.", code="blocked")

    def _own_name(self, provider: Provider, identity: Identity) -> str | None:
        """The username, if a rule lets it in and nobody else was the first to use it.

        A username that is spelled like a subject (`id:7`) is not what an entry `id:7` means, and a look-alike of a name
        is not that name.
        """
        name = _spelled(provider, identity)
        if (
            is_lookalike(identity.username)
            or name.startswith(SUBJECT_MARK)
            or name not in provider.allowed_users | provider.admin_users
        ):
            return None
        return name if self._pins.pinned_subject(identity.provider, name) in (None, identity.subject) else None

    def _groups(self, provider: Provider, identity: Identity, own: Decision | None) -> frozenset[str] | None:
        groups = own.groups if own is not None and own.groups is not None else identity.groups
        if groups is None:
            return None
        prefix = f"{identity.provider}:" if self._several else ""
        return frozenset(name for group in groups for name in provider.group_map.get(group, (prefix + group,)))


def _restrict(provider: Provider, identity: Identity) -> None:
    """Every rule that keeps out, one after the other. Raises LoginRefused."""
    label = provider.label
    if provider.require_verified_email and not (identity.email and identity.email_verified):
        raise LoginRefused(
            f"Only people with an e-mail address that {label} has verified may enter.", code="email_not_verified"
        )
    _check_domain(provider, identity)
    if not provider.required_groups <= (identity.groups or frozenset()):
        raise LoginRefused(f"You are not in every group at {label} that this hub wants.", code="group_missing")
    for path, values in provider.required_claims.items():
        if not _has(identity.claims, path, values):
            raise LoginRefused(f"{label} does not say of you what this hub wants to know.", code="claim_missing")
    try:
        provider.restrict(identity)
    except LoginRefused:
        raise
    except Exception as error:
        provider.log.exception("hubauth: a rule of provider %r failed", provider.name)
        raise _rule_failed(provider) from error


def _admits(provider: Provider, identity: Identity, scopes: AbstractSet[str]) -> bool:
    """A rule of the type's own; what fails or answers anything but True admits nobody."""
    try:
        return provider.admits(identity, scopes) is True
    except Exception as error:
        provider.log.exception("hubauth: a rule of provider %r failed", provider.name)
        raise _rule_failed(provider) from error


def _rule_failed(provider: Provider) -> LoginRefused:
    return LoginRefused(
        f"A rule for {provider.label} could not be applied; the administrators must look at it.", code="rule_failed"
    )


def _check_domain(provider: Provider, identity: Identity) -> None:
    """Turn away whoever has no verified address at one of the domains (rows V06, V37)."""
    domains = provider.required_email_domains
    local, _, domain = (identity.email or "").rpartition("@")
    if domains and not (identity.email_verified and local and domain.lower() in domains):
        raise LoginRefused(
            f"Only people with a verified e-mail address at {', '.join(sorted(domains))} may enter with "
            f"{provider.label}.",
            code="email_domain",
        )


def _has(claims: Mapping[str, Any], path: str, values: tuple[Any, ...]) -> bool:
    """Whether a claim is one of the values, or a list that holds one. A truth value is not a number."""
    found = claim(claims, path)
    entries = found if isinstance(found, list | tuple) else [found]
    return any(type(entry) is type(value) and entry == value for entry in entries for value in values)


def _is_in(identity: Identity, groups: AbstractSet[str]) -> bool:
    return bool(groups & (identity.groups or frozenset()))


def _admin(provider: Provider, own: Decision | None, named: bool) -> bool | None:
    if named or (own is not None and own.admin):
        return True
    if provider.admin_users or provider.admin_groups:
        return False
    return own.admin if own is not None else None


def _roles(provider: Provider, identity: Identity, own: Decision | None) -> frozenset[str]:
    """The hub's roles, from `role_map` alone: a source does not know them (decision 3 of docs/architecture.md)."""
    said = own.roles if own is not None and own.roles is not None else identity.roles
    words = (identity.groups or frozenset()) | (said or frozenset())
    return frozenset(role for word in words for role in provider.role_map.get(word, ()))


def _spelled(provider: Provider, identity: Identity) -> str:
    return provider.normalize_username(identity.username)
