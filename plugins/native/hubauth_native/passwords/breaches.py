"""Passwords that are known from breaches, asked for by k-anonymity: five characters of a SHA-1 leave, no more.

https://haveibeenpwned.com/API/v3#PwnedPasswords
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any, Final

from hubauth_core import ConfigError, ProviderError
from hubauth_core.oauth2 import Api
from hubauth_core.plugin import problem_with

PATIENCE: Final = 2.0
"""Seconds that a person waits for an answer."""
CAP: Final = 512 * 1024
"""Bytes of an answer; the real ones have some 40,000."""
SENT: Final = 5
"""Characters of the digest that are sent."""


class Breaches:
    """Asks one service. `url` is what the five characters are put after."""

    def __init__(self, url: str, log: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        if problem := problem_with(url):
            raise ConfigError(f"breached_passwords_url = {url!r} cannot be used: {problem}.")
        self._url = url if url.endswith("/") else f"{url}/"
        self._log = log
        # its own log lines would name the address, and with it a part of the digest
        self._api = Api("The list of breaches", connect_timeout=PATIENCE, timeout=PATIENCE, log=_Unheard())

    async def knows(self, normal: str) -> bool:
        """Whether a password is known. Where that cannot be told the answer is no, and the log says so."""
        digest = hashlib.sha1(normal.encode(), usedforsecurity=False).hexdigest().upper()
        sent, kept = digest[:SENT], digest[SENT:]
        headers = {"Accept": "text/plain", "Add-Padding": "true"}
        try:
            answer = await self._api.get(f"{self._url}{sent}", headers=headers, cap=CAP)
            if answer.status != 200:
                raise self._api.bad_response()
        except ProviderError as error:
            self._log.warning("hubauth: a password was taken without a look at known breaches: %s", error.sentence)
            return False
        return _times(answer.body, kept) > 0


def _times(body: bytes, kept: str) -> int:
    """How often a password was seen. Padding is lines with a count of 0."""
    for line in body.decode("ascii", "replace").splitlines():
        suffix, _, count = line.partition(":")
        if suffix.strip().upper() == kept:
            return int(count) if count.strip().isdecimal() else 0
    return 0


class _Unheard:
    def warning(self, msg: str, *args: Any) -> None:
        """Nothing."""
