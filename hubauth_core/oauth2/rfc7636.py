"""PKCE with S256: a secret made at the start of a sign-in and shown at its end.

https://www.rfc-editor.org/rfc/rfc7636
"""

from __future__ import annotations

from typing import Final

from authlib.oauth2.rfc7636.challenge import CODE_VERIFIER_PATTERN, create_s256_code_challenge

METHOD: Final = "S256"
"""The only method; `plain` does not exist here (row R02)."""


def challenge(verifier: str) -> str:
    """What the browser carries in place of the verifier. Raises ValueError for one that section 4.1 does not allow."""
    if not CODE_VERIFIER_PATTERN.fullmatch(verifier):
        raise ValueError("a code verifier has 43 to 128 unreserved characters")
    return str(create_s256_code_challenge(verifier))
