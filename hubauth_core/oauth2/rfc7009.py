"""Token revocation: telling the server that a token is no longer wanted.

https://www.rfc-editor.org/rfc/rfc7009
"""

from __future__ import annotations

from typing import Literal

from ..types import Secret
from . import answers
from .client import Server
from .http import bad_response


async def revoke(server: Server, token: Secret, hint: Literal["access_token", "refresh_token"]) -> None:
    """Have one token taken back; one that the server does not know is none any more (section 2.2).

    Raises ProviderUnavailable (with `retry_after` where the server names a time, section 2.2.1), ProviderError.
    """
    response = await server.post(server.revocation_url, {"token": token.reveal(), "token_type_hint": hint})
    if response.status == 200:
        return
    try:
        answers.members(response, server.rules)
    except answers.TokenRefused as refused:
        if refused.error == "unsupported_token_type":  # such a token cannot be taken back here; it runs out by itself
            return
        raise answers.fault(refused.error, server.rules.label) from None
    raise bad_response(server.rules.label)
