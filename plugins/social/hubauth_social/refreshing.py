"""Asking a source again who somebody is, with the token that it has issued."""

from __future__ import annotations

from typing import Any, Final

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthCredentialError, AuthPolicyError, SocialAuthBaseException

from hubauth_core import (
    Credential,
    Identity,
    LoginRefused,
    ProviderError,
    ReauthRequired,
    RefreshedIdentity,
    Refused,
    Unavailable,
    Unchanged,
    Updated,
)

from .credentials import LATER, payload
from .identity import Reading, identity_of
from .visit import Done

UNAUTHORISED: Final = 401


def ask(backend: BaseAuth[Any], identity: Identity, credential: Credential, reading: Reading) -> RefreshedIdentity:
    """Who the source says that it is now. To be called in a thread.

    Unchanged where the backend cannot be asked again. Raises ProviderError for an answer about somebody else.
    """
    try:
        done = _asked(backend, identity, credential)
        return Updated(identity_of(done, reading)) if done else Unchanged()
    except AuthCredentialError:
        return ReauthRequired("refused")
    except AuthPolicyError:
        return Refused("not_allowed")
    except SocialAuthBaseException as error:
        if error.code in LATER:
            return Unavailable()
        if error.status_code == UNAUTHORISED:
            return ReauthRequired("refused")
        raise ProviderError("The source did not say who this is.", code="provider_bad_response") from None
    except (LookupError, TypeError, AttributeError):
        return Unchanged()  # this backend reads what only a sign-in has
    except LoginRefused as error:
        return Refused(error.code)


def _asked(backend: Any, identity: Identity, credential: Credential) -> Done | None:
    members = {"access_token": credential.access_token.reveal()}
    if hasattr(backend, "id_token"):
        backend.id_token = payload(credential.id_token) or {"sub": identity.subject}
    said = backend.user_data(members["access_token"], response=dict(members))
    if not said:
        return None
    response = {**members, **said}
    details = backend.get_user_details(response)
    uid, key = str(backend.get_user_id(details, response)), backend.id_key()
    known = backend.strategy.storage.user.get_social_auth(backend.name, uid, id_key=key)
    if known is None or known.subject != identity.subject:
        raise ProviderError("The source speaks of somebody else.", code="subject_changed")
    if not backend.auth_allowed(response, details):
        raise AuthPolicyError(backend)
    groups = backend.get_user_groups(response)
    return Done(
        subject=identity.subject,
        uid=uid,
        id_key=key,
        details=details,
        groups=None if groups is None else frozenset(groups),
        tokens={},
        response=response,
    )
