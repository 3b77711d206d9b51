"""python-social-auth's exceptions as ours: who must act, a reason code, a sentence. What a source writes stays out.

https://python-social-auth.readthedocs.io/en/latest/exceptions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from social_core.exceptions import (
    AuthAssociationError,
    AuthCanceled,
    AuthConfigurationError,
    AuthCredentialError,
    AuthInputError,
    AuthPolicyError,
    AuthProviderError,
    AuthResponseError,
    AuthSessionError,
    AuthUnknownError,
    SocialAuthBaseException,
)

from hubauth_core import CredentialError, HubAuthError, LoginRefused, ProviderError, ProviderUnavailable

LATER: Final = frozenset({"connection_failed", "timeout", "tls_error", "rate_limited", "unavailable"})
"""What a source may answer otherwise in a while."""

AGAIN: Final = frozenset({"nonce_mismatch", "response_expired"})
"""What is wrong with an answer that is merely old, or another one's."""

LONGEST_WAIT: Final = 3600.0


def ours(error: SocialAuthBaseException, label: str) -> HubAuthError:
    """The error of ours that says the same; `label` is what people call the source."""
    say = next((each for kind, each in SAYINGS.items() if isinstance(error, kind)), _bad_answer)
    return say(error, label)


def shown(error: SocialAuthBaseException) -> str:
    """What the log says of it: the codes, never what a source or a browser has written at length (row B3)."""
    details = {
        "parameter": error.parameter,
        "claim": error.claim,
        "provider code": error.provider_code,
        "status": error.status_code,
    }
    said = [f"{name} {str(value)[:64]!r}" for name, value in details.items() if value is not None]
    return ", ".join([f"{type(error).__name__} {error.code} at {error.stage}", *said])


def _bad_answer(error: SocialAuthBaseException, label: str) -> HubAuthError:
    return bad_answer(label)


def bad_answer(label: str) -> ProviderError:
    """The source's answer cannot be used."""
    return ProviderError(f"{label} does not answer as it should, try again.")


def unreachable(label: str, retry_after: float | None = None) -> ProviderUnavailable:
    """The source does not answer, or not in time."""
    return ProviderUnavailable(f"{label} does not answer, try again.", retry_after=retry_after)


def _misconfigured(error: SocialAuthBaseException, label: str) -> HubAuthError:
    if error.provider_code is not None:
        sentence = f"{label} does not accept this hub as its client; the administrators must look at it."
        return ProviderError(sentence, code="provider_refused_client")
    sentence = f"{label} is not set up here as it should be; the administrators must look at it."
    return ProviderError(sentence, code="backend_misconfigured")


def _bad_input(error: SocialAuthBaseException, label: str) -> HubAuthError:
    if error.stage == "begin":
        return LoginRefused("What you typed cannot be used here. Look at it again.", code="input_invalid")
    if error.parameter == "state":
        return LoginRefused("This sign-in was not begun here. Try again.", code="state_missing")
    return LoginRefused("The answer is not as it should be. Sign in again.", code="bad_request")


def _bad_session(error: SocialAuthBaseException, label: str) -> HubAuthError:
    if error.code == "user_mismatch":
        return LoginRefused("This was begun by somebody else. Begin again.", code="session_changed")
    return LoginRefused("This sign-in is over, or was begun in another browser. Try again.", code="state_unknown")


def _bad_response(error: SocialAuthBaseException, label: str) -> HubAuthError:
    if error.code in AGAIN:
        return _outdated()
    if error.code == "profile_email_missing":
        sentence = f"{label} does not tell this hub an e-mail address of yours. Add one there, then sign in again."
        return LoginRefused(sentence, code="email_missing")
    return bad_answer(label)


def _bad_credential(error: SocialAuthBaseException, label: str) -> HubAuthError:
    if error.stage == "refresh":
        return CredentialError(f"{label} wants you to sign in again.", code="needs_login")
    if error.code == "authorization_code_rejected":
        return _outdated()
    return LoginRefused(f"{label} did not sign you in.", code="provider_refused")


def _outdated() -> LoginRefused:
    return LoginRefused("This sign-in took too long or was used before. Sign in again.", code="code_refused")


def _not_allowed(error: SocialAuthBaseException, label: str) -> HubAuthError:
    return LoginRefused(f"The rules for {label} here do not let you in.", code="not_allowed")


def _conflict(error: SocialAuthBaseException, label: str) -> HubAuthError:
    sentence = f"Your account at {label} cannot be told from another one that this hub knows. Ask its administrators."
    return LoginRefused(sentence, code="identity_conflict")


def _source(error: SocialAuthBaseException, label: str) -> HubAuthError:
    if error.code in LATER or (error.status_code or 0) >= 500:
        return unreachable(label, _seconds(error.retry_after))
    return bad_answer(label)


def _cancelled(error: SocialAuthBaseException, label: str) -> HubAuthError:
    return LoginRefused(f"You did not sign in at {label}.", code="cancelled")


def _seconds(retry_after: Any) -> float | None:
    text = str(retry_after or "")
    return min(float(text[:10]), LONGEST_WAIT) if text.isascii() and text.isdigit() else None


SAYINGS: Final[Mapping[type[SocialAuthBaseException], Callable[[SocialAuthBaseException, str], HubAuthError]]] = {
    AuthConfigurationError: _misconfigured,
    AuthInputError: _bad_input,
    AuthSessionError: _bad_session,
    AuthResponseError: _bad_response,
    AuthCredentialError: _bad_credential,
    AuthPolicyError: _not_allowed,
    AuthAssociationError: _conflict,
    AuthProviderError: _source,
    AuthCanceled: _cancelled,
    AuthUnknownError: _bad_answer,
}
"""python-social-auth's classes of errors; whatever is none of them is the source's bad answer."""
