"""The extension of Jupyter Server; jupyter_server is imported only here. The wheel switches it on."""

from __future__ import annotations

from typing import Any

from .app import HubAuthSingleUser

__all__ = ["HubAuthSingleUser"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What jupyter_server asks an extension."""
    return [{"module": __name__, "app": HubAuthSingleUser}]
