"""`hubauth migrate`."""

from .command import migrate

__all__ = ["migrate"]
