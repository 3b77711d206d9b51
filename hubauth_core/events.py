"""What happened, for the administrator: an audit trail, Prometheus metrics, and the listeners of plugins.

Every sign-in and every refusal is one event with a reason code. An event holds no secret, and what a stranger chose
(names, addresses) is cut and escaped before it is written (row V14).
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from prometheus_client import Counter

from .errors import StoreError
from .types import Event

LONGEST: Final = 64
"""Characters of a name that reach a log line."""

FREQUENT: Final = frozenset({"credential"})
"""Kinds of events that fill a log: where they stand in a file, the log has them at level debug."""

_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

EVENTS: Final = Counter(
    "hubauth_events", "What hubauth did, by kind of event, provider and reason", ["kind", "provider", "reason"]
)


class Audit:
    """Records events. `path` names a file that takes one JSON object a line; without it they go to the log alone.

    With `required` a sign-in that cannot be written there does not count (row F15).
    """

    def __init__(
        self,
        listeners: Callable[[Event], None],
        log: logging.Logger | logging.LoggerAdapter[Any],
        *,
        path: Path | None = None,
        required: bool = True,
    ) -> None:
        self._listeners = listeners
        self._log = log
        self._trail = Trail(path) if path is not None else None
        self._required = required

    def record(self, event: Event) -> None:
        """Write one event. Raises StoreError if a sign-in cannot be written and must be."""
        event = replace(
            event,
            reason=reason_code(event.reason),
            subject=_short(event.subject),
            username=_short(event.username),
            hub_user=_short(event.hub_user),
            actor=_short(event.actor),
            resource=_short(event.resource),
            address=_short(event.address),
            time=event.time or time.time(),
        )
        EVENTS.labels(event.kind, event.provider, event.reason).inc()
        line = json.dumps({name: value for name, value in vars(event).items() if value != ""})
        try:
            if self._trail is not None:
                self._trail.write(line)
        except OSError as error:
            self._log.error("hubauth: the audit trail %s cannot be written: %s", error.filename, error.strerror)
            if self._required and not event.reason:
                raise StoreError("This sign-in could not be recorded. Try again later.", code="audit_failed") from None
        quiet = event.kind in FREQUENT and self._trail is not None
        self._log.log(logging.DEBUG if quiet else logging.INFO, "hubauth event %s", line)
        self._listeners(event)


class Trail:
    """A file that takes lines at its end. It stays open, until somebody moves it away (logrotate does)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def write(self, line: str) -> None:
        """Add a line, by one write of the system. Raises OSError with the file's name."""
        try:
            if self._file is None or not self._is_there(self._file):
                self.close()
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            os.write(self._file, f"{line}\n".encode())
        except OSError as error:
            error.filename = str(self._path)
            raise

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_there(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False


def reason_code(reason: str) -> str:
    """A reason code, or `other` for what a plugin made of somebody's text: every reason is a time series for ever."""
    return reason if not reason or _REASON.fullmatch(reason) else "other"


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}... ({len(value)} characters)"
