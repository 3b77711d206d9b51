"""The configuration of a hub with accounts of its own, and of other providers beside them; `MailScene` looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.mail_scene import NAME
from harness.smtp import Sink

CHEAP: Mapping[str, Any] = {"argon2_memory_cost": 8, "argon2_time_cost": 1, "argon2_unsafe": True}
"""Options with which a password is hashed in no time."""

MANY: Mapping[str, str] = {"address": "100000/m", "overall": "100000/m"}
"""Limits for tests, which all come from one address."""


def config(sink: Sink | None, *, others: Mapping[str, Any] | None = None, **options: Any) -> str:
    """A hub whose provider `local` mails by the sink; `others` are further providers."""
    mail = sink.options() if sink else {}
    local = {"type": "native", "allow_all": True, **CHEAP, "limits": {"sign_in": {**MANY}}, **mail, **options}
    section = {"providers": {NAME: local, **(others or {})}, "audit_log": "audit.jsonl"}
    return (
        "c.JupyterHub.authenticator_class = 'hubauth'\n"
        "c.JupyterHub.public_url = HUB_URL\n"
        f"c.HubAuthenticator.update({section!r})\n"
    )
