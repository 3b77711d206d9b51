"""What a command that a plugin brings imports of ours."""

from __future__ import annotations

from .beside import Beside, beside
from .commands import GROUP, WithPlugins
from .hub_config import config_option, configured_providers, load, needed
from .store import open_store

__all__ = [
    "GROUP",
    "Beside",
    "WithPlugins",
    "beside",
    "config_option",
    "configured_providers",
    "load",
    "needed",
    "open_store",
]
