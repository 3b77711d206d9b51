"""What `hubauth check` says of first sign-ins and of the way to the page of connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..provider import Provider
from .inspected import Finding, Inspected

OUR_FRAME: Final = ("hubauth-page.html", "hubauth-nav.html")
"""What a page frame of the administrator's takes our entry from."""


def first_sign_in(hub: Inspected) -> Iterator[Finding]:
    """Policies under which nobody new gets in, though it may look otherwise."""
    policies = {name: provider.first_login for name, provider in hub.providers}
    for name, provider in hub.providers:
        if why := _why_nobody_new(provider, alone=len(policies) == 1):
            yield Finding("warning", name, f'first_login = "{provider.first_login}" turns everybody new away: {why}.')
    if policies and set(policies.values()) <= {"link", "refuse"}:
        yield Finding(
            "warning",
            "first sign-in",
            "No provider lets anybody new in. Hub users whom hubauth knows, or whom you wrote down by name, come in.",
        )


def _why_nobody_new(provider: Provider, *, alone: bool) -> str:
    if provider.first_login == "choose" and not provider.ends_here:
        return "its sign-in ends on a page of its own, which cannot ask for a name"
    if provider.first_login != "link":
        return ""
    if not provider.linkable:
        return "linkable = False"
    if not provider.ends_here:
        return "its sign-in ends on a page of its own, which cannot connect an account"
    return "there is no other way to sign in first" if alone else ""


def navigation(hub: Inspected) -> Iterator[Finding]:
    """A page frame of the administrator's that lacks our entry."""
    for folder in hub.hub.template_paths:
        frame = Path(folder) / "page.html"
        stock = folder in hub.hub._template_paths_default()
        if not stock and frame.is_file() and not any(ours in frame.read_text("utf-8") for ours in OUR_FRAME):
            yield Finding(
                "warning",
                "pages",
                f'{frame} has no entry for /hub/connections. Let it extend "hubauth-page.html" in place of '
                '"templates/page.html".',
            )
