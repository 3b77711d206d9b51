"""What happens between a source's answer and a sign-in of hubauth: python-social-auth's steps that read the answer,
then ours. No step makes a user, invents a name, or joins people by an address of mail: that is for hubauth's own rules.

https://python-social-auth.readthedocs.io/en/latest/pipeline.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, cast

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthAssociationError, AuthResponseError
from social_core.pipeline.social_auth import social_user

from hubauth_core import ConfigError, StoreError

from .schema import LONGEST_UID
from .storage import SocialAccount
from .visit import Done

BEFORE: Final = (
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_names",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "hubauth_social.pipeline.recognise",
)
AFTER: Final = ("hubauth_social.pipeline.record", "hubauth_social.pipeline.finish")

THEIRS: Final = "social_core.pipeline."
"""How steps of python-social-auth begin."""

COMPARED: Final = frozenset({"device_id", "domain_prefix", "id", "owner_hash", "redirect_uri", "sub", "uid", "user_id"})
"""What backends compare with the next answer, or need to renew, beside the keys that they name themselves."""

LONGEST_VALUE: Final = 512


def steps(further: Sequence[str] = ()) -> list[str]:
    """The whole pipeline, with the administrator's own steps before anything is written down.

    Raises ConfigError for a step of python-social-auth, or one that is not there.
    """
    for step in further:
        if step.startswith(THEIRS):
            raise ConfigError(
                f"the step {step!r} cannot be added: hubauth's own options say who may enter, under which name, and "
                "who is connected with whom"
            )
        try:
            module, _, name = step.rpartition(".")
            callable_there = callable(getattr(import_module(module), name))
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(f"the step {step!r} is not there: {error}") from error
        if not callable_there:
            raise ConfigError(f"the step {step!r} is not a function")
    return [*BEFORE, *further, *AFTER]


def recognise(backend: Any, uid: str, *args: Any, id_key: str = "", user: Any = None, **kwargs: Any) -> dict[str, Any]:
    """Who of the people of this source it is, also by an identifier that the source used before.

    Whose account it is in the hub is not asked here (`user` is left out): hubauth decides about that.
    """
    told = backend.get_user_id(kwargs["details"], kwargs["response"])
    if len(uid) > LONGEST_UID or isinstance(told, bool) or not isinstance(told, str | int):  # row X13
        raise AuthResponseError(backend=backend, claim=id_key, code="invalid_claim", stage="pipeline")
    known = social_user(backend, uid, None, *args, id_key=id_key, **kwargs)
    return {"social": known["social"], "is_new": known["is_new"], "new_association": known["new_association"]}


def record(
    backend: BaseAuth[Any],
    uid: str,
    response: Any,
    details: dict[str, Any],
    *args: Any,
    id_key: str = "",
    social: SocialAccount | None = None,
    user: Any = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Write somebody new down, and what later sign-ins are compared with; nothing of it is a credential."""
    tokens = backend.extra_data(user, uid, response, details, kwargs)
    account = social or _written(backend, uid, id_key)
    account.set_extra_data(evidence(backend, id_key, tokens))
    return {"social": account, "tokens": tokens}


def _written(backend: BaseAuth[Any], uid: str, id_key: str) -> SocialAccount:
    """A new account. Where another thread was faster, that one's: it is of the same person, or there is none."""
    users = cast("type[SocialAccount]", backend.strategy.storage.user)
    try:
        return users.create_social_auth(None, uid, backend.name, id_key=id_key)
    except StoreError as error:
        if not backend.strategy.storage.is_integrity_error(error):
            raise
    account = users.get_social_auth(backend.name, uid, id_key=id_key)
    if account is None:
        raise AuthAssociationError(backend=backend, code="identifier_migration_conflict", stage="pipeline")
    return account


def evidence(backend: BaseAuth[Any], id_key: str, tokens: Mapping[str, Any]) -> dict[str, Any]:
    """What of the answer is kept in the clear: identifiers, short and plain."""
    names = COMPARED | {id_key, *backend.get_stored_user_id_keys(id_key), *backend.LEGACY_ID_KEYS}
    plain = {name: value for name, value in tokens.items() if name in names and isinstance(value, str | int)}
    return {name: value for name, value in plain.items() if len(str(value)) <= LONGEST_VALUE}


def finish(
    uid: str,
    social: SocialAccount,
    details: Mapping[str, Any],
    response: Any,
    tokens: Mapping[str, Any],
    *args: Any,
    id_key: str = "",
    groups: Sequence[str] | None = None,
    **kwargs: Any,
) -> Done:
    """Who it is: the last step."""
    return Done(
        subject=social.subject,
        uid=uid,
        id_key=id_key,
        details=dict(details),
        groups=None if groups is None else frozenset(groups),
        tokens=dict(tokens),
        response=dict(response) if isinstance(response, Mapping) else {},
    )
