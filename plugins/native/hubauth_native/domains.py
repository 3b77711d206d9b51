"""Domains of mail addresses, as rules name them: compared as DNS spells them, whole, never by a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from email_validator import EmailNotValidError, validate_email

from hubauth_core import ConfigError

NOWHERE: Final = ""
"""The domain of what is no address: no rule names it."""


def domain_of(address: str) -> str:
    """What stands behind the @ of an address, in ASCII and lower case; `NOWHERE` for what is no address."""
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except (EmailNotValidError, UnicodeError):
        return NOWHERE
    return (found.ascii_domain or NOWHERE).lower()


def domains_of(option: str, configured: Iterable[str]) -> frozenset[str]:
    """The domains that an option names. Raises ConfigError for what is none, a pattern for instance."""
    found = {each: domain_of(f"x@{each.strip().removeprefix('@')}") for each in configured}
    for entry, domain in found.items():
        if domain == NOWHERE:
            raise ConfigError(
                f"the entry {entry!r} of {option!r} is not a domain; write whole ones, such as 'example.org'"
            )
    return frozenset(found.values())
