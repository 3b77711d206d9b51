"""The resources of `rest` in the words of OpenAPI 3.1. https://spec.openapis.org/oas/v3.1.1"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from hubauth_core.plugin import Described, as_json, document, exact_object, reference

from ..accounts import ACTIVE, INACTIVE, PENDING
from ..administration import MOST
from ..invitations import LONGEST as LONGEST_LIFE
from ..invitations import MOST_USES
from ..listing import LAST_PAGE, LONGEST, Order
from ..listing import MOST as MOST_ON_A_PAGE
from .acts import ACTS
from .rights import MANAGE, READ

LATEST: Final = 10_000_000_000.0
"""The latest time that an account may be inactive until, in Unix seconds."""

_TEXT: Final[Described] = {"type": "string"}
_ID: Final[Described] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TIME: Final[Described] = {"type": "number", "description": "Unix seconds."}
_TIME_OR_NULL: Final[Described] = {"type": ["number", "null"], "description": "Unix seconds."}
_EMAIL: Final[Described] = {"type": ["string", "null"], "format": "email", "minLength": 3, "maxLength": 254}
_PLAIN: Final = "^[^\\u0000]*$"
_FULL_NAME: Final[Described] = {"type": ["string", "null"], "maxLength": 255, "pattern": _PLAIN}


_ACCOUNT: Final[Mapping[str, Described]] = {
    "id": _ID,
    "username": _TEXT,
    "full_name": _TEXT,
    "email": {"type": ["string", "null"]},
    "email_verified": {"type": "boolean"},
    "status": {"enum": [PENDING, ACTIVE, INACTIVE]},
    "inactive_until": _TIME_OR_NULL,
    "reason": {"type": "string", "description": "Why it is inactive."},
    "admin": {"type": ["boolean", "null"], "description": "Null leaves it to the hub."},
    "origin": {"type": "string", "description": "Where the account comes from."},
    "created_at": _TIME,
    "approved_at": _TIME_OR_NULL,
    "approved_by": _TEXT,
    "terms_version": _TEXT,
    "terms_at": _TIME_OR_NULL,
    "last_sign_in_at": _TIME_OR_NULL,
    "failures": {"type": "integer", "description": "Failed attempts since the last sign-in."},
    "last_failure_at": _TIME_OR_NULL,
    "password_set_at": _TIME_OR_NULL,
    "must_change": {"type": "boolean"},
}

_LINK: Final[Described] = {"type": "string", "description": "A one-time link; a path where the hub has no public_url."}

SCHEMAS: Final[Mapping[str, Described]] = {
    "Accounts": exact_object(
        accounts={"type": "array", "items": exact_object(**_ACCOUNT, has_factor={"type": "boolean"})},
        total={"type": "integer"},
        page={"type": "integer"},
        size={"type": "integer"},
    ),
    "Account": exact_object(
        **_ACCOUNT, hub_user={"type": ["string", "null"], "description": "Null before the first sign-in."}
    ),
    "NewAccount": exact_object(
        ("username",),
        username={"type": "string", "minLength": 1, "maxLength": 255},
        full_name=_FULL_NAME,
        email=_EMAIL,
        admin={"type": ["boolean", "null"], "description": "Only administrators of the hub may set it."},
    ),
    "Made": exact_object(account=reference("Account"), link=_LINK),
    "Changes": exact_object((), full_name=_FULL_NAME, email=_EMAIL),
    "Act": exact_object(
        ("act", "accounts"),
        act={"enum": list(ACTS)},
        accounts={"type": "array", "items": _ID, "minItems": 1, "maxItems": MOST},
        until={
            "type": ["number", "null"],
            "minimum": 1,
            "maximum": LATEST,
            "description": "Of `deactivate`: Unix seconds; null is for good.",
        },
        reason={"type": ["string", "null"], "maxLength": 500, "pattern": _PLAIN},
    ),
    "Done": exact_object(
        changed={"type": "integer", "description": "How many accounts were changed; the others were so already."},
        links={"type": "array", "items": exact_object(account=_ID, link=_LINK), "description": "Of `reset`."},
    ),
    "History": exact_object(
        history={"type": "array", "items": exact_object(at=_TIME, act=_TEXT, actor=_TEXT, reason=_TEXT, address=_TEXT)}
    ),
    "Invitations": exact_object(
        invitations={
            "type": "array",
            "items": exact_object(
                id=_TEXT,
                email=_TEXT,
                uses_left={"type": "integer"},
                created_at=_TIME,
                expires_at=_TIME,
                created_by=_TEXT,
            ),
        }
    ),
    "NewInvitation": exact_object(
        (),
        email=_EMAIL,
        uses={"type": ["integer", "null"], "minimum": 1, "maximum": MOST_USES},
        lifetime={"type": ["number", "null"], "minimum": 60, "maximum": LONGEST_LIFE, "description": "Seconds."},
    ),
    "Invited": exact_object(link={"type": ["string", "null"], "description": "Null where it was mailed."}),
    "Error": exact_object(
        status={"type": "integer"}, error={"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, message=_TEXT
    ),
}

FIELDS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(SCHEMAS[name]["properties"]) for name in ("NewAccount", "Changes", "Act", "NewInvitation")
}
"""The fields of each body."""

_ERRORS: Final[Mapping[str, str]] = {
    "400": "A parameter or the body is not of its form.",
    "403": f"There is no valid API token (a cookie does not count), it lacks the scope `{MANAGE}` or `{READ}`, or the "
    "account has special rights.",
    "404": "There is no such thing, or it is none of the caller's business.",
    "409": "The name, or the address, is somebody's.",
    "503": "The database does not answer now.",
}
_ALWAYS: Final = ("400", "403", "503")


def describe(base_url: str) -> Described:
    """The description of the resources at `base_url`, which is a path or an address."""
    return document(
        base_url,
        title="hubauth-native",
        description="The accounts of one provider, for those who look after them. Every answer says "
        "`Cache-Control: no-store`.",
        token=f"An API token of JupyterHub with the scope `{READ}` to look, `{MANAGE}` to act, or `admin:users`. Never "
        "a cookie.",
        paths=_paths(),
        schemas=SCHEMAS,
    )


def _paths() -> Described:
    account, invitation = _in_path("account"), _in_path("invitation")
    listed = _operation("listAccounts", "Accounts, a page at a time", "Accounts")
    return {
        "/accounts": {
            "get": {**listed, "parameters": _query()},
            "post": _operation(
                "createAccount", "A new account, and the link for its owner", "Made", "NewAccount", ("409",), "201"
            ),
        },
        "/accounts/{account}": {
            "parameters": [account],
            "get": _operation("getAccount", "One account", "Account", errors=("404",)),
            "patch": _operation("changeAccount", "Change full name or address", "Account", "Changes", ("404", "409")),
            "delete": _operation("deleteAccount", "Delete it, and its hub user", "Done", errors=("404",)),
        },
        "/accounts/{account}/history": {
            "parameters": [account],
            "get": _operation("getHistory", "What happened to an account", "History", errors=("404",)),
        },
        "/acts": {
            "post": _operation("act", "Act on one or many accounts: on all, or on none", "Done", "Act", ("404",)),
        },
        "/invitations": {
            "get": _operation("listInvitations", "Invitations that can still be used", "Invitations"),
            "post": _operation("invite", "A new invitation", "Invited", "NewInvitation", (), "201"),
        },
        "/invitations/{invitation}": {
            "parameters": [invitation],
            "delete": _operation("withdrawInvitation", "Withdraw an invitation", "Done", errors=("404",)),
        },
    }


def _query() -> list[Described]:
    text: Described = {"type": "string", "maxLength": LONGEST}
    orders = [f"{sign}{order}" for order in get_args(Order) for sign in ("", "-")]
    schemas: Mapping[str, Described] = {
        "q": {**text, "description": "Stands anywhere in username, full name or address."},
        "status": {"enum": [PENDING, ACTIVE, INACTIVE], "description": "The state."},
        "admin": {"enum": ["yes", "no"], "description": "Whether it makes an administrator of the hub."},
        "factor": {"enum": ["yes", "no"], "description": "Whether it has a second factor."},
        "origin": {**text, "description": "Where it comes from."},
        "sort": {"enum": orders, "default": "name", "description": "The order; a minus sign turns it round."},
        "page": {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1, "description": "Which page."},
        "size": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_ON_A_PAGE,
            "default": 50,
            "description": f"Accounts on a page, at most {MOST_ON_A_PAGE}.",
        },
    }
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


def _in_path(name: str) -> Described:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{32,64}$"}}


def _operation(
    name: str, summary: str, answer: str, body: str = "", errors: tuple[str, ...] = (), status: str = "200"
) -> Described:
    told: Described = {"operationId": name, "summary": summary}
    if body:
        told["requestBody"] = {"required": True, "content": as_json(body)}
    answers = {status: {"description": "As asked.", "content": as_json(answer)}}
    for each in sorted({*_ALWAYS, *errors}):
        answers[each] = {"description": _ERRORS[each], "content": as_json("Error")}
    return {**told, "responses": answers}
