"""What counts as somebody's mail address."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

from hubauth_core import LoginRefused

LONGEST: Final = 254
"""Characters of an address (RFC 5321, section 4.5.3.1.3, less the brackets)."""


class BadMailbox(LoginRefused):
    """What was typed is not the address of one mailbox."""

    default_code = "email_invalid"


def mailbox(typed: str) -> str:
    """An address in its one spelling; nobody is asked whether its domain exists. Raises BadMailbox.

    All of it is ASCII: what is outside reaches the right box on few servers, and two spellings of one name may be two
    people.
    """
    address = typed.strip()
    if len(address) <= LONGEST:
        try:
            found = validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
        except (EmailNotValidError, UnicodeError):
            pass
        else:
            spelt = found.ascii_email or ""
            if 0 < len(spelt) <= LONGEST:
                return spelt
    raise BadMailbox("This is not an e-mail address. It looks like name@example.org.")
