"""Why there is no credential. One root; the branches say who can do something about it."""

from __future__ import annotations


class CredentialError(Exception):
    """No credential: a stable word, a sentence, and where to go.

    `slug` is the hub's word for it (`needs_login`, `unknown_provider`, ...), `status` the HTTP status that goes with
    it. `login_url` is the address of the hub's connections page where a sign-in there helps, else None.
    """

    def __init__(self, message: str, *, slug: str, status: int = 503, login_url: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.slug = slug
        self.status = status
        self.login_url = login_url

    def __str__(self) -> str:
        return f"{self.message} {self.login_url}" if self.login_url else self.message


class NotConnected(CredentialError):
    """The user has no account there yet: connect it on the hub's connections page."""


class NeedsLogin(CredentialError):
    """The account is connected, but its grant has ended: sign in there again, on the hub's connections page."""


class Unavailable(CredentialError):
    """Nothing is wrong with the account, but there is no answer now: try later.

    `retry_after` is the number of seconds that the hub asked to wait, None where it did not say.
    """

    def __init__(self, message: str, *, slug: str, status: int = 503, retry_after: float | None = None) -> None:
        super().__init__(message, slug=slug, status=status)
        self.retry_after = retry_after


class Refused(CredentialError):
    """Asking again does not help: a name that does not exist, or something that the administrator has not allowed."""


class NotInServer(CredentialError):
    """This does not run in a server that JupyterHub started, or its environment was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, slug="not_in_server")
