"""Options about passwords."""

from __future__ import annotations

from traitlets import HasTraits


class PasswordOptions(HasTraits):
    """Mixed into `NativeProvider`."""
