"""Options about factors."""

from __future__ import annotations

from traitlets import HasTraits


class FactorOptions(HasTraits):
    """Mixed into `NativeProvider`."""
