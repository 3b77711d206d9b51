"""What `hubauth check` says of roles that providers give, and of an option that means nothing here."""

from __future__ import annotations

from collections.abc import Iterator

from jupyterhub.roles import get_default_roles

from ..authenticator import HubAuthenticator
from ..errors import ConfigError
from ..hub_roles import HubRoles
from .inspected import Finding, Inspected


def roles(hub: Inspected) -> Iterator[Finding]:
    """Whether the roles that `role_map` leads to are there; who brings managed roles in code knows that alone."""
    told = hub.authenticator
    if not told.manage_roles or type(told).load_managed_roles is not HubAuthenticator.load_managed_roles:
        return
    there = HubRoles()
    there.expect([*get_default_roles(), *hub.hub.load_roles, *told.managed_roles])
    try:
        there.check(hub.registry.providers)
    except ConfigError as error:
        yield Finding("error", "roles", f"{error.sentence}.")


def one_time_codes(hub: Inspected) -> Iterator[Finding]:
    """JupyterHub asks for them on its own form, which is not shown here."""
    if hub.authenticator.request_otp:
        yield Finding(
            "warning",
            "request_otp",
            "c.Authenticator.request_otp does nothing here: put request_otp = True into the config of the wrapped "
            "authenticator that asks for codes.",
        )
