"""What waits for a person: a code that was sent to an address, a pipeline that a form has interrupted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from social_core.exceptions import AuthCredentialError
from social_core.storage import CodeMixin, PartialMixin
from sqlalchemy import insert, select, update

from ..schema import codes
from ..store import Bound

CODE: Final = 7 * 24 * 3600.0
"""Seconds for which a code that was sent to an address is kept."""


class Code(Bound, CodeMixin):
    """A code that was sent to an address of mail."""

    @property
    def _digest(self) -> str:
        return self.tables.digest("code", self.code)

    def save(self) -> None:
        """Keep a new code. Raises StoreError."""
        sent = self.timestamp.timestamp() if self.timestamp else self.tables.now()
        row = {"digest": self._digest, "email": self.email, "verified": self.verified, "created_at": sent}
        self.tables.write(lambda it: it.execute(insert(codes).values(**row, expires_at=sent + CODE)))

    def verify(self) -> None:
        """Use it up. Raises AuthCredentialError where somebody was faster (row F19)."""
        unused = (codes.c.digest == self._digest) & ~codes.c.verified
        done = self.tables.write(lambda it: it.execute(update(codes).where(unused).values(verified=True)).rowcount)
        if done != 1:
            raise AuthCredentialError(code="email_verification_rejected", stage="pipeline")
        self.verified = True

    @classmethod
    def get_code(cls, code: str) -> Code | None:
        found = cls()
        found.code = code
        query = select(codes).where(codes.c.digest == found._digest)
        row = cls.tables.read(lambda it: it.execute(query).one_or_none())
        if row is None:
            return None
        found.email, found.verified = row.email, row.verified
        found.timestamp = datetime.fromtimestamp(row.created_at, UTC)
        return found


class Partial(Bound, PartialMixin):
    """A pipeline that a form has interrupted. Its data hold what the source has issued, so they are sealed; the row is
    found by a token that only the browser has whose sign-in it is."""

    def save(self) -> None:
        """Raises StoreError, TooLarge, TypeError for what is not JSON."""
        content = {"backend": self.backend, "next_step": self.next_step, "data": self.data}
        self.tables.keep("partial", self.token, content)

    @classmethod
    def load(cls, token: str) -> Partial | None:
        content = cls.tables.recall("partial", token)
        if content is None:
            return None
        found = cls()
        found.token = token
        found.backend, found.next_step, found.data = content["backend"], content["next_step"], content["data"]
        return found

    @classmethod
    def destroy(cls, token: str) -> None:
        cls.tables.drop("partial", token)
