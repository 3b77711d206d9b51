"""The status page: the owner's accounts, for people."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from ..types import Connection

TEMPLATES: Final = Path(__file__).with_name("templates")

STYLE: Final = Markup(TEMPLATES.joinpath("status.css").read_text())  # noqa: S704  # a file of ours

POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
"""Content-Security-Policy: nothing but the style that stands in the page."""

STATES: Final = {
    "ready": "Ready",
    "needs_login": "Sign in again",
    "not_stored": "Connect again",
    "storage_disabled": "Not kept by this hub",
    "unavailable": "Does not answer now",
}

ENVIRONMENT: Final = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)


def render(connections: Iterable[Connection], problem: str, connections_url: str) -> str:
    """The page. `problem` is a sentence that says why there are no connections, or ""."""
    return ENVIRONMENT.get_template("status.html").render(
        connections=tuple(connections),
        problem=problem,
        connections_url=connections_url,
        states=STATES,
        moment=lambda seconds: datetime.fromtimestamp(seconds, UTC),
        style=STYLE,
    )
