"""What goes wrong at a source: answers that no provider may take for a sign-in (rows F01 to F07, X25)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from .source import Flood, Reply, answer_json, gzip_bomb

ELSEWHERE: Final = "https://elsewhere.test/token"
"""Where a redirect of a source leads; nothing may be asked there (row F07)."""

HUGE: Final = 100 * 1024 * 1024
"""Bytes of an answer that never seems to end."""

CAP: Final = 2 * 1024 * 1024
"""Bytes of such an answer after which nobody may still be reading."""

PAGE: Final = Reply(body=b"<!doctype html><title>Sign in</title>", content_type="text/html")

DOWN: Final[Mapping[str, Callable[[], Reply]]] = {
    "refuses-connections": lambda: Reply(error=httpx.ConnectError),
    "connects-too-slowly": lambda: Reply(error=httpx.ConnectTimeout),
    "answers-too-slowly": lambda: Reply(error=httpx.ReadTimeout),
    "hangs-up": lambda: Reply(error=httpx.RemoteProtocolError),
    "status-429": lambda: answer_json({"message": "slow down"}, 429, retry_after="7"),
    "status-500": lambda: answer_json({"message": "oops"}, 500),
    "status-502-page": lambda: Reply(status=502, body=PAGE.body, content_type="text/html"),
    "status-503": lambda: answer_json({"message": "down"}, 503, retry_after="7"),
}
"""The source does not answer now; the same sign-in may work later."""

RUBBISH: Final[Mapping[str, Callable[[], Reply]]] = {
    "status-400": lambda: answer_json({"error": "invalid_request", "message": "Bad request"}, 400),
    "status-401": lambda: answer_json({"error": "invalid_client", "message": "Bad credentials"}, 401),
    "status-403": lambda: answer_json({"message": "Forbidden"}, 403),
    "status-404": lambda: answer_json({"message": "Not found"}, 404),
    "html": lambda: PAGE,
    "empty": Reply,
    "broken-json": lambda: Reply(body=b'{"id": 7, "access_token": '),
    "list": lambda: answer_json([]),
    "text": lambda: answer_json("token"),
    "null": lambda: answer_json(None),
    "number": lambda: Reply(body=b"NaN"),
    "redirect-302": lambda: Reply(status=302, headers={"Location": ELSEWHERE}),
    "redirect-307": lambda: Reply(status=307, headers={"Location": ELSEWHERE}),
    "gzip-bomb": lambda: gzip_bomb(CAP * 4),
    "flood": lambda: Reply(flood=Flood(HUGE)),
}
"""The source answers something that is no answer."""


def token_rubbish(token: Mapping[str, Any]) -> dict[str, Callable[[], Reply]]:
    """Token answers that are nearly right, made from a right one."""
    text = json.dumps(dict(token))
    return {
        "byte-order-mark": lambda: Reply(body=b"\xef\xbb\xbf" + text.encode()),
        "not-a-number": lambda: Reply(body=text.replace("{", '{"expires_in": NaN, ', 1).encode()),
        "html-type": lambda: Reply(body=text.encode(), content_type="text/html"),
        "error-in-200": lambda: answer_json({"error": "bad_verification_code", "error_description": "It is wrong."}),
        "no-token": lambda: answer_json({name: token[name] for name in token if name != "access_token"}),
        "empty-token": lambda: answer_json({**token, "access_token": ""}),
        "token-is-a-number": lambda: answer_json({**token, "access_token": 7}),
        "token-with-newline": lambda: answer_json({**token, "access_token": "a\r\nX-Injected: 1"}),
        "token-type-mac": lambda: answer_json({**token, "token_type": "mac"}),
        "token-type-dpop": lambda: answer_json({**token, "token_type": "DPoP"}),
    }


NEARLY_TOKENS: Final = tuple(token_rubbish({}))
"""The names of `token_rubbish`."""
