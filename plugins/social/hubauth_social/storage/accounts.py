"""Who somebody is at a source. Users are the hub's, and who is whose is hubauth's own word: nothing here makes a user,
finds one by an address of mail, or decides about disconnecting (row V22)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from social_core.exceptions import AuthConfigurationError
from social_core.identifiers import identifier_matches
from social_core.storage import UserMixin
from sqlalchemy import Connection, Row, delete, insert, select, update

from ..schema import accounts
from ..store import Bound


@dataclass(frozen=True)
class Person:
    """Whom a backend takes for a user: somebody's subject here, or who connects an identity just now."""

    id: str
    username: str = ""
    is_active: bool = True
    is_authenticated: bool = True


class SocialAccount(Bound, UserMixin):
    """Somebody at this source. `extra_data` must hold no credentials: it is stored as it is."""

    def __init__(self, row: Row[Any]) -> None:
        self.id: int = row.id
        self.provider: str = row.provider
        self.uid: str = row.uid
        self.id_key: str = row.id_key
        self.subject: str = row.subject
        self.extra_data: dict[str, Any] = json.loads(row.extra_data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SocialAccount) and (self.provider, self.id) == (other.provider, other.id)

    def __hash__(self) -> int:
        return hash((self.provider, self.id))

    @property
    def user(self) -> Any:  # type: ignore[override]  # the mixin declares an attribute
        """Who this is, as far as a backend can tell."""
        return Person(self.subject)

    def save(self) -> None:
        """Raises StoreError."""
        values = {"extra_data": json.dumps(self.extra_data)}
        self.tables.write(lambda it: it.execute(update(accounts).where(accounts.c.id == self.id).values(**values)))

    def set_extra_data(self, extra_data: dict[str, Any] | None = None) -> bool:
        """Raises StoreError."""
        changed = super().set_extra_data(extra_data)
        if changed:
            self.save()
        return changed

    @classmethod
    def get_social_auth(cls, provider: str, uid: str, id_key: str | None = None) -> SocialAccount | None:
        query = select(accounts).where(accounts.c.provider == provider, accounts.c.uid == str(uid))
        if id_key is not None:
            query = query.where(accounts.c.id_key == id_key)
        row = cls.tables.read(lambda it: it.execute(query).one_or_none())
        return None if row is None else cls(row)

    @classmethod
    def get_social_auth_by_extra_data(
        cls, provider: str, key: str, value: str, id_key: str = ""
    ) -> SocialAccount | None:
        """Reads every account of the provider under that key; raises ValueError where two of them match."""
        query = select(accounts).where(accounts.c.provider == provider, accounts.c.id_key == id_key)
        rows = cls.tables.read(lambda it: it.execute(query).all())
        found = [row for row in rows if str(json.loads(row.extra_data).get(key)) == value]
        if len(found) > 1:
            raise ValueError("more than one account matches")
        return cls(found[0]) if found else None

    @classmethod
    def get_social_auth_for_user(
        cls,
        user: Any,
        provider: str | None = None,
        id: int | None = None,  # noqa: A002
    ) -> list[SocialAccount]:
        query = select(accounts).where(accounts.c.provider == cls.tables.provider, accounts.c.subject == str(user.id))
        rows = cls.tables.read(lambda it: it.execute(query).all())
        return [cls(row) for row in rows if provider in (None, row.provider) and id in (None, row.id)]

    @classmethod
    def create_social_auth(cls, user: Any, uid: str, provider: str, id_key: str = "") -> SocialAccount:
        """A new account, whose subject is its uid. Raises StoreError for a uid, or a subject, that somebody has."""
        row = {"provider": provider, "uid": str(uid), "id_key": id_key, "subject": str(uid), "extra_data": "{}"}

        def make(it: Connection) -> Row[Any]:
            it.execute(insert(accounts).values(**row, created_at=cls.tables.now()))
            made = (accounts.c.provider == provider) & (accounts.c.uid == str(uid))
            return it.execute(select(accounts).where(made)).one()

        return cls(cls.tables.write(make))

    @classmethod
    def migrate_social_auth(
        cls, social: SocialAccount, uid: str, id_key: str, *, evidence_key: str | None = None
    ) -> SocialAccount:
        """Give an account another uid, all or nothing. Raises ValueError where its evidence has changed meanwhile,
        StoreError where somebody else has that uid."""

        def move(it: Connection) -> Row[Any]:
            row = it.execute(select(accounts).where(accounts.c.id == social.id).with_for_update()).one_or_none()
            if row is None or row.uid != social.uid:
                raise ValueError("the account has changed meanwhile")
            evidence = json.loads(row.extra_data)
            if evidence_key is not None and not identifier_matches(evidence.get(evidence_key), uid):
                raise ValueError("the evidence has changed meanwhile")
            it.execute(update(accounts).where(accounts.c.id == social.id).values(uid=uid, id_key=id_key))
            return it.execute(select(accounts).where(accounts.c.id == social.id)).one()

        return cls(cls.tables.write(move))

    # Users are the hub's.

    @classmethod
    def user_model(cls) -> type[Any]:
        return Person

    @classmethod
    def changed(cls, user: Any) -> None:
        """Nothing: no user is kept here."""

    @classmethod
    def get_username(cls, user: Any) -> str:
        name: str = user.username
        return name

    @classmethod
    def username_max_length(cls) -> int:
        return 255

    @classmethod
    def user_exists(cls, *args: Any, **kwargs: Any) -> bool:
        """No: which names are free is hubauth's rule, which never invents one."""
        return False

    @classmethod
    def create_user(cls, *args: Any, **kwargs: Any) -> Any:
        raise AuthConfigurationError(code="unsupported_feature", stage="pipeline")

    @classmethod
    def get_user(cls, pk: Any) -> Any:
        return Person(str(pk))

    @classmethod
    def get_users_by_email(cls, email: str) -> list[Any]:
        """Nobody: an address of mail never finds an account (row V06)."""
        return []

    @classmethod
    def allowed_to_disconnect(cls, user: Any, backend_name: str, association_id: Any = None) -> bool:
        """No: the page of connections decides about that."""
        return False

    @classmethod
    def disconnect(cls, entry: SocialAccount) -> None:
        """Delete an account. Raises StoreError."""
        cls.tables.write(lambda it: it.execute(delete(accounts).where(accounts.c.id == entry.id)))
