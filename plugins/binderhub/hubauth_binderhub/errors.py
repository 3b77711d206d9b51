"""What goes wrong, as a sentence for the build page."""

from __future__ import annotations


class AccessRefused(Exception):
    """The visitor does not get this repository; the message is for them and holds no secret."""
