"""Options about signup."""

from __future__ import annotations

from traitlets import HasTraits


class SignUpOptions(HasTraits):
    """Mixed into `NativeProvider`."""
