"""Options about administration."""

from __future__ import annotations

from traitlets import HasTraits


class AdministrationOptions(HasTraits):
    """Mixed into `NativeProvider`."""
