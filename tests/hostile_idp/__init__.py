"""An identity provider that lies: it mints every broken token and gives every broken answer that the tests ask for."""

from .server import HostileIdP, Seen, in_thread
from .tokens import ABSENT

__all__ = ["ABSENT", "HostileIdP", "Seen", "in_thread"]
