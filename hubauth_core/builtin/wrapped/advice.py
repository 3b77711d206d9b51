"""What an administrator should know about a wrapped authenticator, a sentence each, for `hubauth check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .handlers import Source
from .subjects import Path


def advice(
    source: Source, *, is_form: bool, path: Path, own_rules: bool, names_people: bool, hub_manages_groups: bool
) -> Iterator[str]:
    """`path` is that of the subject. `own_rules`: the provider's own options let people in; `names_people`: by name."""
    inner, name = source.inner, type(source.inner).__name__
    if not is_form:
        yield f"{name} has its own flow: hubauth's state, PKCE and nonce do not protect its sign-ins"
    if getattr(inner, "enable_pkce", True) is False:
        yield f"{name} has enable_pkce = False"
    yield from _addresses(source)
    if not path:
        yield f"whoever has a username of {name} gets its hub user: names that are given to somebody else are a risk"
    if not (inner.any_allow_config or own_rules):
        yield f"neither {name} nor this provider has a rule that lets anybody in"
    if names_people and inner.allow_all:
        yield (
            f"{name} itself lets in everybody whom it knows (allow_all), and the allowed_users beside 'config' keep "
            "nobody out: put them into 'config'"
        )
    if inner.manage_groups and not hub_manages_groups:
        yield f"{name} manages groups, but the hub has c.HubAuthenticator.manage_groups = False"


def _addresses(source: Source) -> Iterator[str]:
    inner, name = source.inner, type(source.inner).__name__
    expected = f"/auth/{source.name}/oauth_callback"
    callback: Any = getattr(inner, "oauth_callback_url", "")
    if callback and not callback.endswith(expected):
        yield f"{name} has oauth_callback_url = {callback!r}, but its page is at ...{expected}"
    if hasattr(inner, "consumers"):
        yield f"the launch address of {name} is .../auth/{source.name}/lti/launch, whatever its configuration page says"
