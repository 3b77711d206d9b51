"""The hub's own tables, read only: who has a name now, and to which OAuth client a token was issued."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Final

from jupyterhub import orm
from sqlalchemy import bindparam, literal, select
from sqlalchemy.orm import Session

from ..database import Database
from ..hub import key_by_name
from ..types import HubUser

_NOTHING: Final = select(literal(1))
_CLIENT: Final = select(orm.APIToken.client_id).where(orm.APIToken.id == bindparam("id"))


class HubTables:
    """Reads of the hub's database, short and indexed. Raises StoreError while it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def session(self) -> AbstractContextManager[Session]:
        """A session for JupyterHub's own functions; it connects when it is first asked."""
        return self._database.session()

    def find(self, name: str) -> HubUser | None:
        """The hub user of exactly that name: its id and its time of creation tell it from others of that name."""
        with self.session() as session:
            return key_by_name(session, name)

    def client_of(self, token_id: str) -> str | None:
        """The OAuth client of a token by the id that the hub's API gives it (`a12`)."""
        number = token_id.removeprefix("a")
        if not number.isdecimal():
            return None
        with self.session() as session:
            found: Any = session.execute(_CLIENT, {"id": int(number)}).scalar()
            return None if found is None else str(found)

    def check(self) -> None:
        """Whether the database answers."""
        with self.session() as session:
            session.execute(_NOTHING)

    def close(self) -> None:
        self._database.close()
