"""Options about mail."""

from __future__ import annotations

from traitlets import HasTraits


class MailOptions(HasTraits):
    """Mixed into `NativeProvider`."""
