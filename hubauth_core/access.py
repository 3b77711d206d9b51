"""Who may enter, and who is an administrator: a provider's rules, in the provider's own language.

An entry names a username of the provider, or `id:<subject>`. A name counts for the first subject that used it; a
blocked name follows its subject through renames. Rules that name hub users are JupyterHub's own traits, and are asked
later, by JupyterHub.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .errors import LoginRefused
from .provider import SUBJECT_MARK, Provider, is_lookalike
from .types import Decision, Identity


class Pins(Protocol):
    """Which subject used a provider's username first, and which names a subject has used."""

    def pinned_subject(self, provider: str, username: str) -> str | None: ...

    def names_of(self, provider: str, subject: str) -> frozenset[str]: ...


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A decision, and the provider username it rests on: the binding checks that nobody else has it by then."""

    decision: Decision
    relied_on: str | None = None


class Access:
    """Applies the rules of one provider to one identity.

    With `several` providers, groups are told apart as `<provider>:<group>`.
    """

    def __init__(self, pins: Pins, *, several: bool) -> None:
        self._pins = pins
        self._several = several

    def decide(self, provider: Provider, identity: Identity, own: Decision | None = None) -> Verdict:
        """The verdict on an identity; `own` is what a provider that brings rules of its own has decided.

        Raises LoginRefused for those whom a restriction keeps out, whatever else would allow them.
        """
        self.refuse_blocked(provider, identity)
        if own is not None and not own.allowed:
            raise LoginRefused(f"{provider.label} does not let you in.", code="not_allowed")
        subject, name = f"{SUBJECT_MARK}{identity.subject}", self._own_name(provider, identity)
        admin, named_admin = subject in provider.admin_users, name in provider.admin_users
        granted = provider.allow_all or own is not None or admin or subject in provider.allowed_users
        relies = (named_admin and not admin) or (name is not None and not granted)
        return Verdict(
            decision=Decision(
                allowed=granted or name is not None,
                admin=self._admin(provider, own, admin or named_admin),
                groups=self._groups(identity, own),
            ),
            relied_on=name if relies else None,
        )

    def recorded(self, provider: Provider, identity: Identity) -> Verdict:
        """The verdict on what is recorded of an identity, where its source says nothing new. Raises LoginRefused.

        Whom a source's own rules let in, they still do until it says otherwise.
        """
        return self.decide(provider, identity, Decision(allowed=True) if provider.brings_rules else None)

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

    def _admin(self, provider: Provider, own: Decision | None, named: bool) -> bool | None:
        if named or (own is not None and own.admin):
            return True
        if provider.admin_users:
            return False
        return own.admin if own is not None else None

    def _groups(self, identity: Identity, own: Decision | None) -> frozenset[str] | None:
        groups = own.groups if own is not None and own.groups is not None else identity.groups
        if groups is None or not self._several:
            return groups
        return frozenset(f"{identity.provider}:{group}" for group in groups)


def _spelled(provider: Provider, identity: Identity) -> str:
    return provider.normalize_username(identity.username)
