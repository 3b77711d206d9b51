"""The terms that an applicant accepts: shown, demanded by the server, recorded by version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from hubauth_core import ConfigError, LoginRefused

from .options.signup import SignUpOptions

LONGEST: Final = 64
"""Characters of a version: the width of its column."""


class TermsRefused(LoginRefused):
    """The terms in force were not accepted."""

    default_code = "terms_not_accepted"


@dataclass(frozen=True)
class Terms:
    """What is to be accepted; `version` is empty where there is nothing."""

    text: str = ""
    url: str = ""
    version: str = ""

    @property
    def asked(self) -> bool:
        """Whether there is anything to accept."""
        return bool(self.version)

    def check(self, accepted: str) -> None:
        """`accepted` is the version that somebody has ticked. Raises TermsRefused."""
        if self.asked and accepted != self.version:
            raise TermsRefused(
                "The terms have changed meanwhile. Read them again, and tick the box."
                if accepted
                else "Tick the box to accept the terms: there is no account without them."
            )


def terms_of(options: SignUpOptions) -> Terms:
    """The terms that the configuration names. Raises ConfigError."""
    text, url, version = options.terms_text.strip(), options.terms_url.strip(), options.terms_version.strip()
    if url and not url.startswith(("https://", "http://", "/")):
        raise ConfigError("terms_url is the address of a page: it begins with https://, http:// or /.")
    if len(version) > LONGEST:
        raise ConfigError(f"terms_version is longer than {LONGEST} characters.")
    if not (text or url):
        if version:
            raise ConfigError("terms_version is set, but there are no terms: set terms_text or terms_url too.")
        return Terms()
    return Terms(text, url, version or hashlib.sha256(f"{text}\0{url}".encode()).hexdigest()[:16])
