"""Groups of a Google Workspace, as its directory knows them: asked by a service account that acts for an administrator.

https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/list
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from hubauth_core import ConfigError, ProviderError, Secret
from hubauth_core.oauth2 import Api, together
from hubauth_core.plugin import problem_with, read_secret

SCOPE: Final = "https://www.googleapis.com/auth/admin.directory.group.readonly"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""RFC 7523, section 2.1."""

LIFETIME: Final = 3600
"""Seconds that an assertion is good for, as long as Google allows."""

EARLY: Final = 60.0
"""Seconds before its end at which a token is got anew."""

MOST_PAGES: Final = 20
"""Pages of 200 groups that are read of one member at most."""

MOST_GROUPS: Final = 2000
"""Groups of one person, those within which they are included."""

TOO_FAST: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
"""Reasons of a 403 that say nothing about rights."""


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """Who asks: the service account of a key file, for an administrator of the domain."""

    email: str
    key_id: str
    key: RSAKey = field(repr=False)
    token_url: str
    administrator: str

    def assertion(self, now: int) -> str:
        """The signed statement that a token is got with. RFC 7523, section 3."""
        claims = {
            "iss": self.email,
            "sub": self.administrator,
            "scope": SCOPE,
            "aud": self.token_url,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode({"alg": "RS256", "kid": self.key_id, "typ": "JWT"}, claims, self.key)


def service_account(option: str, entry: Any) -> ServiceAccount:
    """The account of `{"key_file": ..., "administrator": ...}`. Raises ConfigError that names the option."""
    if not isinstance(entry, Mapping) or set(entry) != {"key_file", "administrator"}:
        raise ConfigError(f"{option} must have the two entries 'key_file' and 'administrator'")
    administrator = entry["administrator"]
    if not isinstance(administrator, str) or "@" not in administrator:
        raise ConfigError(f"{option}: 'administrator' is the address of an administrator of the domain")
    try:
        told = json.loads(read_secret(f"{option}['key_file']", str(entry["key_file"])).reveal())
        account = ServiceAccount(
            email=str(told["client_email"]),
            key_id=str(told["private_key_id"]),
            key=RSAKey.import_key(told["private_key"]),
            token_url=str(told["token_uri"]),
            administrator=administrator,
        )
    except (ValueError, KeyError, TypeError, JoseError):
        raise ConfigError(f"{option}: {entry['key_file']} is no key file of a service account (JSON)") from None
    if problem := problem_with(account.token_url):
        raise ConfigError(f"{option}: the token_uri in {entry['key_file']} cannot be used: {problem}")
    return account


class Directory:
    """The groups of one domain. The token of its service account is kept as long as it is good."""

    def __init__(self, account: ServiceAccount, url: str) -> None:
        self._account = account
        self._url = f"{url.rstrip('/')}/admin/directory/v1/groups"
        self._token = Secret("")
        self._good_until = 0.0

    async def groups_of(self, api: Api, person: str, *, nested: bool) -> frozenset[str]:
        """The addresses of the groups that a person is in; with `nested`, also of those that these groups are in.

        Raises ProviderError. Somebody whom the directory does not know is in no group.
        """
        token = await self._fresh_token(api)
        found: set[str] = set()
        members = [person]
        while members:
            answers = await together(lambda member: self._direct(api, token, member), members)
            new = {group for groups in answers for group in groups} - found
            found |= new
            if len(found) > MOST_GROUPS:
                raise api.bad_response()
            members = sorted(new) if nested else []
        return frozenset(found)

    async def _direct(self, api: Api, token: Secret, member: str) -> set[str]:
        groups: set[str] = set()
        asked: dict[str, str | int] = {"userKey": member, "maxResults": 200}
        for _ in range(MOST_PAGES):
            answer = await api.get_json(self._url, token=token, params=asked)
            if answer.status == 404 and isinstance(answer.json, dict) and "error" in answer.json:
                return groups  # the directory's own word; any other page says nothing about a person
            if answer.status in {401, 403}:
                raise self._refused(api, answer.json)
            page = answer.mapping()
            groups |= {str(group["email"]).lower() for group in page.get("groups", ()) if "email" in group}
            if not page.get("nextPageToken"):
                return groups
            asked["pageToken"] = str(page["nextPageToken"])
        raise api.bad_response()

    async def _fresh_token(self, api: Api) -> Secret:
        now = time.time()
        if now >= self._good_until:
            fields = {"grant_type": JWT_BEARER, "assertion": self._account.assertion(int(now))}
            response = await api.post_form(self._account.token_url, fields)
            if 400 <= response.status < 500:
                raise self._refused(api, None)
            told = api.answer(response).mapping()
            token, lifetime = told.get("access_token"), told.get("expires_in", LIFETIME)
            if not isinstance(token, str) or not token or not isinstance(lifetime, int):
                raise api.bad_response()
            self._token, self._good_until = Secret(token), now + lifetime - EARLY
        return self._token

    def _refused(self, api: Api, told: Any) -> ProviderError:
        """What a 401 or 403 means: too many questions, or no right to ask."""
        self._good_until = 0.0
        try:
            reasons = {str(error.get("reason")) for error in told["error"]["errors"]}
        except (LookupError, TypeError, AttributeError):
            reasons = set()
        if reasons & TOO_FAST:
            return api.unavailable()
        return ProviderError(
            f"{api.label} does not show this hub who is in which group; the administrators must look at it.",
            code="directory_refused",
        )
