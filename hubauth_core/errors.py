"""One tree of errors; the branch says who must act.

Every error carries a `code` for the log and the audit trail, and a sentence for the person who reads it. Neither
ever holds a token, a code, a state or a body received from a provider.
"""

from __future__ import annotations


class HubAuthError(Exception):
    """Root of hubauth's errors: a reason code for the log, a plain sentence for the reader."""

    default_code = "error"
    subject = ""
    username = ""
    """Who it is about, for the audit trail, where that is known."""

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code


class ConfigError(HubAuthError):
    """The administrator must act: the configuration, or an installed plugin, is wrong. Raised at start-up."""

    default_code = "config"


class LoginRefused(HubAuthError):
    """The user must act, or stays out: cancelled, not allowed, wrong password, a sign-in that is too old."""

    default_code = "not_allowed"


class LinkRefused(HubAuthError):
    """The user must act: an identity is not connected, not disconnected, or not looked at, as was asked."""

    default_code = "link_refused"


class ProviderError(HubAuthError):
    """The source must act: it cannot be reached (`provider_unreachable`), or its answer is not acceptable.

    `retry_after` is the number of seconds that the source asked to wait, where it said so.
    """

    default_code = "provider_bad_response"

    def __init__(self, sentence: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(sentence, code=code)
        self.retry_after = retry_after


class ProviderUnavailable(ProviderError):
    """The source does not answer now (down, slow, rate limit); the same sign-in may work later."""

    default_code = "provider_unreachable"


class CredentialError(HubAuthError):
    """A stored credential cannot be used: expired, revoked, unreadable, or not there."""

    default_code = "credential_unusable"


class StoreError(HubAuthError):
    """hubauth's own database did not do what was asked: locked, full, gone. The sign-in does not count."""

    default_code = "store_failed"


class CallRefused(HubAuthError):
    """The program that called the REST API must act: no right (`forbidden`), nobody there (`not_found`), too fast.

    `retry_after` is the number of seconds after which it may call again (`rate_limited`).
    """

    default_code = "forbidden"

    def __init__(self, sentence: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(sentence, code=code)
        self.retry_after = retry_after
