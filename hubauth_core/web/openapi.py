"""The REST API in the words of OpenAPI 3.1, for people, tools and tests. https://spec.openapis.org/oas/v3.1.1"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..configure import SCOPE
from ..git import LONGEST_URL
from ..refresh import DEFAULT_TTL
from ..retrieval import LONGEST_TTL
from .asked import RESOURCE
from .document import Described, as_json, document, exact_object, reference

ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "A parameter is unknown, repeated, or not of its form."),
    "invalid_request": (400, "The source refused the token exchange as malformed."),
    "invalid_target": (400, "The source issues no token for this resource."),
    "forbidden": (403, "There is no valid API token (a cookie does not count), or it lacks the scope."),
    "admins_only": (403, "The user has special rights, and the token is no administrator's."),
    "blocked": (403, "The user is kept out of this hub, by it or by a provider."),
    "not_found": (404, "There is no such user, or the token is not good for them."),
    "unknown_provider": (404, "The hub has no such provider."),
    "unknown_resource": (404, "The provider has no such resource."),
    "unknown_host": (404, "No provider of the hub has a credential for that address."),
    "not_connected": (404, "The user has no identity at the provider."),
    "needs_login": (409, "The grant is dead, expired or unreadable: the user signs in there again."),
    "home_identity": (409, "It is the home identity, which decides about the user."),
    "last_way_in": (409, "There would be no way left to sign in."),
    "rate_limited": (429, "Too many calls with this token."),
    "storage_disabled": (501, "The hub keeps no credentials."),
    "provider_bad_response": (502, "The source does not answer as it should."),
    "provider_refused_client": (502, "The source does not accept the hub as its client."),
    "exchange_refused": (502, "The source does not let the hub exchange the token."),
    "exchange_widened": (502, "The source issued a token for more than was asked; it is not handed out."),
    "plugin_failed": (502, "The provider has a fault; the log of the hub has more."),
    "provider_unavailable": (503, "The source does not answer now."),
    "store_failed": (503, "The hub's database does not answer now."),
}
"""Slugs, their status, and when. Of a 409 or 502 a plugin may have further ones."""

ANYWHERE: Final = ("forbidden", "not_found", "rate_limited", "store_failed", "bad_request")
_OF_SOME: Final = ("unknown_resource", "unknown_host", "admins_only", "home_identity", "last_way_in")
_OF_A_CREDENTIAL: Final = tuple(slug for slug in ERRORS if slug not in _OF_SOME)

_TEXT: Final[Described] = {"type": "string"}
_PROVIDER: Final[Described] = {"type": "string", "description": "Its name on this hub."}
_USERNAME: Final[Described] = {"type": "string", "description": "What the user is called there."}
_SCOPES: Final[Described] = {"type": "array", "items": _TEXT, "description": "What was granted, sorted."}
_EXPIRES_AT: Final[Described] = {"type": ["number", "null"], "description": "Unix seconds; null where it is not known."}
_STATE: Final[Described] = {
    "enum": ["ready", "needs_login", "not_stored", "storage_disabled", "unavailable"],
    "description": "Whether there is a credential to hand out; `unavailable` while the source does not answer.",
}

_TOKEN: Final[Described] = {
    "access_token": _TEXT,
    "token_type": _TEXT,
    "scopes": _SCOPES,
    "expires_at": _EXPIRES_AT,
}


IDENTITY: Final[Mapping[str, Described]] = {
    "provider": _PROVIDER,
    "username": _USERNAME,
    "home": {"type": "boolean", "description": "Whether this provider decides about the user."},
    "since": {"type": "number", "description": "When it was connected, in Unix seconds."},
    "last_used": {"type": "number", "description": "The last sign-in by it, in Unix seconds."},
}
"""What is told of an identity."""

_CONNECTION: Final = exact_object(
    **IDENTITY,
    label={"type": "string", "description": "What its button says."},
    scopes=_SCOPES,
    expires_at=_EXPIRES_AT,
    renewable={"type": "boolean", "description": "Whether it can be renewed without the user."},
    state=_STATE,
    resources={"type": "array", "items": _TEXT, "description": "Names for the parameter `resource`."},
    git_urls={"type": "array", "items": _TEXT, "description": "Below these the credential opens git repositories."},
)

SCHEMAS: Final[Mapping[str, Described]] = {
    "Connections": exact_object(credentials={"type": "array", "items": reference("Connection")}),
    "Connection": _CONNECTION,
    "Credential": exact_object(provider=_PROVIDER, resource=_TEXT, username=_USERNAME, **_TOKEN),
    "GitCredential": exact_object(
        protocol={"enum": ["https", "http"]},
        host={"type": "string", "description": "With the port, where that is not the usual one."},
        path=_TEXT,
        username={"type": "string", "description": "What git sends with the password; it need not be anybody's name."},
        password={"type": "string", "description": "The token."},
        password_expiry_utc={"type": ["integer", "null"], "description": "Unix seconds."},
        provider=_PROVIDER,
        **_TOKEN,
        git_credentials={
            "type": ["string", "null"],
            "description": "The same for BinderHub and repo2docker, with a literal backslash-n; null where their "
            "helper would change it.",
        },
    ),
    "Error": {
        **exact_object(
            status={"type": "integer"}, error={"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, message=_TEXT
        ),
        "additionalProperties": {"type": "string"},
    },
}

USER: Final[Described] = {
    "name": "user",
    "in": "path",
    "required": True,
    "description": "A hub user's name.",
    "schema": {"type": "string", "minLength": 1},
}
PROVIDER: Final[Described] = {**USER, "name": "provider", "description": "A provider's name."}
_MIN_TTL: Final[Described] = {
    "name": "min_ttl",
    "in": "query",
    "description": "Seconds for which the token should still be good; of one that lives shorter, half its life.",
    "schema": {"type": "number", "minimum": 0, "maximum": int(LONGEST_TTL), "default": int(DEFAULT_TTL)},
}
_RESOURCE: Final[Described] = {
    "name": "resource",
    "in": "query",
    "description": "One of the provider's further resources; left out, the provider's own API.",
    "schema": {"type": "string", "pattern": RESOURCE, "default": ""},
}
_URL: Final[Described] = {
    "name": "url",
    "in": "query",
    "required": True,
    "description": "The address of a repository: https, or http on this machine; without a user part.",
    "schema": {
        "type": "string",
        "maxLength": LONGEST_URL,
        "pattern": r"^https://[a-z0-9]{1,63}(\.[a-z0-9]{1,63}){0,8}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
    },
}


def describe(
    base_url: str,
    *,
    about: str = "Fresh credentials of a hub's users.",
    paths: Mapping[str, Described] = MappingProxyType({}),
    schemas: Mapping[str, Described] = MappingProxyType({}),
) -> Described:
    """The description of the API at `base_url`, which is a path or an address.

    `paths` and `schemas`: what is answered there beyond what hub and credential service both answer.
    """
    return document(
        base_url,
        title="hubauth",
        description=f"{about} Every answer says `Cache-Control: no-store`; none holds a refresh token or an ID token.",
        token="An API token of JupyterHub with the scope of the resource: `Bearer` or `token`. Never a cookie.",
        paths={**_paths(), **paths},
        schemas={**SCHEMAS, **schemas},
        headers={"RetryAfter": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}},
    )


def _paths() -> Described:
    return {
        "/users/{user}/credentials": {
            "parameters": [USER],
            "get": operation("listCredentials", "The identities of a user, without secrets", "Connections", ANYWHERE),
        },
        "/users/{user}/credentials/{provider}": {
            "parameters": [USER, PROVIDER, _RESOURCE, _MIN_TTL],
            "get": operation("getCredential", "A fresh token", "Credential", (*_OF_A_CREDENTIAL, "unknown_resource")),
        },
        "/users/{user}/git-credential": {
            "parameters": [USER, _URL, _MIN_TTL],
            "get": operation(
                "getGitCredential", "What opens a git repository", "GitCredential", (*_OF_A_CREDENTIAL, "unknown_host")
            ),
        },
    }


def operation(name: str, summary: str, answer: str, slugs: tuple[str, ...], scope: str = SCOPE) -> Described:
    """One that answers by a schema, or with an error of these."""
    return {
        "operationId": name,
        "summary": summary,
        "description": f"Asks for the scope `{scope}`.",
        "responses": {
            "200": {"description": "As asked.", "content": as_json(answer)},
            **{str(status): _error(status, slugs) for status in sorted({ERRORS[slug][0] for slug in slugs})},
        },
    }


def _error(status: int, slugs: tuple[str, ...]) -> Described:
    told = [
        f"`{slug}`: {when}" for slug, (its_status, when) in ERRORS.items() if its_status == status and slug in slugs
    ]
    described: Described = {"description": "\n\n".join(told), "content": as_json("Error")}
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return described
