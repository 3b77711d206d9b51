"""Options about throttle."""

from __future__ import annotations

from traitlets import HasTraits


class ThrottleOptions(HasTraits):
    """Mixed into `NativeProvider`."""
