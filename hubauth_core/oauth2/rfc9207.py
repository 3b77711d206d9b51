"""The issuer in the answer that the browser brings: whose code is this?

https://www.rfc-editor.org/rfc/rfc9207
"""

from __future__ import annotations

from ..errors import LoginRefused


def check_issuer(answered: str | None, expected: str, *, advertised: bool) -> None:
    """Compare the `iss` parameter of a success or error answer with the issuer of the transaction (section 2.4).

    Plain string comparison. `advertised`: the issuer's metadata says that it always sends the parameter. Where
    `expected` is empty the issuer has no name that could be compared. Raises LoginRefused.
    """
    if answered is None:
        if advertised:
            raise LoginRefused("The answer does not say who sent it. Sign in again.", code="issuer_missing")
    elif expected and answered != expected:
        raise LoginRefused("The answer comes from somewhere else. Sign in again.", code="issuer_mismatch")
