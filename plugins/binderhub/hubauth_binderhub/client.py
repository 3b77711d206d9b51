"""Asks hubauth for the credential of the person who visits BinderHub, with that person's own token.

The service's own token is never used: it would open everybody's credentials, or nobody's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from . import git
from .errors import AccessRefused

MIN_TTL: Final = 600
"""Seconds that a token should still be good for: a build waits for its turn before it clones."""

SAFE: Final = r"[A-Za-z0-9._~+/=@:%,!-]+"
"""What reaches git unchanged. repo2docker's helper is `echo -e`, which reads backslashes; in old images the shell reads
blanks, `*`, `?` and `[` as well; Kubernetes reads `$` in a pod's variables; git ends a value at a newline."""

CREDENTIALS: Final = re.compile(rf"username={SAFE}\\npassword={SAFE}")

CANNOT_TRAVEL: Final = "Your credential for {host} holds characters that BinderHub's builds cannot carry."
UNKNOWN_HOST: Final = "{url} is not public, or not there, and this hub knows no accounts at {host}."
NO_SCOPE: Final = (
    "{url} is not public, or not there, and BinderHub may not ask for your credentials. Tell the administrator: the "
    "service needs oauth_client_allowed_scopes, and users the scope custom:hubauth:credentials:read!user."
)
NO_ANSWER: Final = "The hub did not hand out your credential for {host}. Try again in a minute."


@dataclass(frozen=True)
class Visitor:
    """Who is signed in to BinderHub, and how hubauth is asked for what is theirs."""

    name: str
    token: str = field(repr=False)
    """The visitor's OAuth token for BinderHub."""

    api_url: str
    """hubauth's API, such as `http://hub:8081/hub/api/hubauth`."""

    hub_url: str = ""
    """Scheme and host at which people reach the hub; empty where they are BinderHub's own."""

    async def credential(self, url: str) -> git.GitCredential:
        """Theirs for the host of `url`. Raises AccessRefused with what they can do about it."""
        origin = git.origin(url)
        answer = await self._ask(url)
        body = _mapping(answer)
        if answer.code != 200:
            raise AccessRefused(self._refusal(answer, body, url))
        text = body.get("git_credentials")
        if not (isinstance(text, str) and CREDENTIALS.fullmatch(text)):
            raise AccessRefused(CANNOT_TRAVEL.format(host=_host(origin)))
        if f"{body.get('protocol')}://{body.get('host')}".lower() != origin.lower():
            raise AccessRefused(NO_ANSWER.format(host=_host(origin)))
        return git.GitCredential(origin, text)

    async def _ask(self, url: str) -> HTTPResponse:
        query = urlencode({"url": url, "min_ttl": MIN_TTL})
        request = HTTPRequest(
            f"{self.api_url}/users/{quote(self.name, safe='')}/git-credential?{query}",
            headers={"Authorization": f"token {self.token}", "Accept": "application/json"},
            follow_redirects=False,
        )
        try:
            return await AsyncHTTPClient().fetch(request, raise_error=False)
        except (HTTPClientError, OSError) as failed:
            raise AccessRefused(NO_ANSWER.format(host=_host(git.origin(url)))) from failed

    def _refusal(self, answer: HTTPResponse, body: Mapping[str, Any], url: str) -> str:
        """hubauth's own sentence where it has one for the visitor, and where to go."""
        reason, message, login = (str(body.get(key) or "") for key in ("error", "message", "login_url"))
        words = {"url": url, "host": _host(git.origin(url))}
        if reason == "unknown_host":
            return UNKNOWN_HOST.format(**words)
        if login:
            return f"{url} is not public. {message} Go to {self.hub_url}{login}"
        if reason in {"forbidden", "not_found"} or (answer.code in {401, 403, 404} and not reason):
            return NO_SCOPE.format(**words)
        return message or NO_ANSWER.format(**words)


def _mapping(answer: HTTPResponse) -> Mapping[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _host(origin: str) -> str:
    return origin.partition("://")[2]
