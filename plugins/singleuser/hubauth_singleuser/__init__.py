"""Fresh tokens of the user's accounts elsewhere, for code that runs in the user's own JupyterHub server."""

from .auth import TokenAuth
from .client import credentials, get_credential, get_token
from .errors import CredentialError, NeedsLogin, NotConnected, NotInServer, Refused, Unavailable
from .types import Connection, Credential, Secret

__all__ = [
    "Connection",
    "Credential",
    "CredentialError",
    "NeedsLogin",
    "NotConnected",
    "NotInServer",
    "Refused",
    "Secret",
    "TokenAuth",
    "Unavailable",
    "credentials",
    "get_credential",
    "get_token",
]
