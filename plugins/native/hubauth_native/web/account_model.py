"""Accounts, their history and invitations as programs see them. Never a password's hash, never a link's secret."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Final

from hubauth_core.plugin import HubUser

from ..accounts import ACTIVE, Account
from ..administration import Past
from ..invitations import Invitation

_PLAIN: Final = (
    "id", "username", "full_name", "email", "email_verified", "admin", "origin", "created_at", "approved_at",
    "approved_by", "terms_version", "terms_at", "last_sign_in_at", "failures", "last_failure_at", "password_set_at",
    "must_change",
)  # fmt: skip


def account_model(account: Account, *, has_factor: bool | None = None, user: HubUser | None = None) -> dict[str, Any]:
    """An account; `has_factor` in lists, the name of the hub `user` of a single one."""
    over = account.status != ACTIVE and account.may_sign_in(time.time())
    told: dict[str, Any] = {name: getattr(account, name) for name in _PLAIN}
    told["status"] = ACTIVE if over else account.status
    told["inactive_until"] = None if over else account.inactive_until
    told["reason"] = account.status_reason
    if has_factor is None:
        return told | {"hub_user": user.name if user else None}
    return told | {"has_factor": has_factor}


def history_model(past: Past) -> dict[str, Any]:
    """One line of a history."""
    return asdict(past)


def invitation_model(invitation: Invitation) -> dict[str, Any]:
    """An invitation that can still be used."""
    return asdict(invitation)
