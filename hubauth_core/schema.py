"""The tables of hubauth's own database, on a MetaData of its own.

Whatever identifies somebody is compared byte by byte on every database (row V20): MySQL's text collations ignore case,
accents or trailing spaces, so such columns are bytes there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Tables with migrations of their own in hubauth's database.

    `versions`: the revisions, oldest first; the last is the one that this code needs. `version_table`: where Alembic
    records the one in force. `migrations`: Alembic's script location, as `package:folder`.
    """

    distribution: str
    versions: tuple[str, ...]
    version_table: str
    migrations: str


VERSIONS = ("0001",)
VERSION_TABLE = "hubauth_alembic_version"
OWN = Schema(
    distribution="hubauth-core", versions=VERSIONS, version_table=VERSION_TABLE, migrations="hubauth_core:migrations"
)
"""The core's own tables, below."""

LONGEST_SUBJECT = 512
"""Characters of the longest subject: with the provider's name, what MySQL can index."""

MYSQL_FAMILY = frozenset({"mysql", "mariadb"})


class Exact(TypeDecorator[str]):
    """Text whose every byte counts. `length` is in characters."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in MYSQL_FAMILY:
            return dialect.type_descriptor(mysql.VARBINARY(self.length * 4))
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.VARCHAR(self.length, collation="C"))
        return dialect.type_descriptor(String(self.length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return value.encode() if value is not None and dialect.name in MYSQL_FAMILY else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return bytes(value).decode() if value is not None and dialect.name in MYSQL_FAMILY else value


class ExactTime(TypeDecorator[float]):
    """Unix seconds that come back as the very number that went in."""

    impl = String
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(32)

    def process_bind_param(self, value: float | None, dialect: Dialect) -> str | None:
        return None if value is None else repr(float(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        return None if value is None else float(value)


LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), *sorted(MYSQL_FAMILY))
"""Text of up to some MiB on every database."""

metadata = MetaData()

identities = Table(
    "hubauth_identities",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("provider", Exact(64), nullable=False),
    Column("subject", Exact(LONGEST_SUBJECT), nullable=False),
    Column("username", Exact(255), nullable=False),
    Column("hub_user_id", Integer, nullable=False),
    Column("hub_user_created", ExactTime, nullable=False),
    Column("hub_name", Exact(255), nullable=False),
    Column("home_of", String(64), unique=True),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double, nullable=False),
    Column("orphaned_at", Double),
    Column("refused_at", Double),
    Column("checked_at", Double, nullable=False),
    Column("facts", LONG_TEXT, nullable=False),
    UniqueConstraint("provider", "subject", name="hubauth_identity_key"),
    Index("hubauth_identity_hub_user", "hub_user_id", "hub_user_created"),
)
"""`home_of` names the hub user whose home identity this is, and is null for the others: at most one home each.

`refused_at` is when its provider, or a rule, last said no for good; null since it last said yes.
`checked_at` is when it was last asked; `facts` is what it said then, as far as rules go by it.
"""

names = Table(
    "hubauth_names",
    metadata,
    Column("name_key", Exact(255), primary_key=True),
    Column("hub_user_id", Integer, nullable=False),
    Column("hub_user_created", ExactTime, nullable=False),
    Index("hubauth_name_hub_user", "hub_user_id", "hub_user_created"),
)
"""Every name under which a hub user with an identity was ever bound, folded so that look-alikes collide."""

pins = Table(
    "hubauth_pins",
    metadata,
    Column("provider", Exact(64), nullable=False),
    Column("username", Exact(255), nullable=False),
    Column("subject", Exact(LONGEST_SUBJECT), nullable=False),
    PrimaryKeyConstraint("provider", "username"),
    Index("hubauth_pin_subject", "provider", "subject"),
)
"""The first subject that used a provider's username."""

had_identity = Table(
    "hubauth_had_identity",
    metadata,
    Column("hub_user_id", Integer, nullable=False, autoincrement=False),
    Column("hub_user_created", ExactTime, nullable=False),
    PrimaryKeyConstraint("hub_user_id", "hub_user_created"),
)
"""Hub users who ever had an identity; outlives the identity."""

prefixes = Table(
    "hubauth_prefixes",
    metadata,
    Column("provider", Exact(64), primary_key=True),
    Column("prefix", Exact(255), nullable=False),
)
"""Username prefixes in force."""

vault = Table(
    "hubauth_vault",
    metadata,
    Column("identity_id", String(32), ForeignKey("hubauth_identities.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("resource", Exact(255), nullable=False),
    Column("blob", LargeBinary(2**24 - 1), nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("generation", String(32), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("expires_at", Double),
    Column("renewable", Boolean, nullable=False),
    Column("trouble", String(64), nullable=False),
    Column("lease_until", Double),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Double, nullable=False),
    PrimaryKeyConstraint("identity_id", "purpose", "resource"),
)
"""What a provider issued for an identity, encrypted; beside it what may be read without opening it.

`generation` is new with every content. `trouble` is why only a new sign-in can help, "" where none is needed. Until
`lease_until` somebody renews the credential; after `failures` in a row nobody tries before `retry_at`.
"""

revocations = Table(
    "hubauth_revocations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("identity_id", String(32), nullable=False),
    Column("provider", Exact(64), nullable=False),
    Column("subject", Exact(LONGEST_SUBJECT), nullable=False),
    Column("resource", Exact(255), nullable=False),
    Column("blob", LargeBinary(2**24 - 1), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Index("hubauth_revocation_turn", "retry_at"),
)
"""Credentials that are deleted here and that the provider has still to hear of; not before `retry_at`."""

consents = Table(
    "hubauth_consents",
    metadata,
    Column("hub_user_id", Integer, nullable=False, autoincrement=False),
    Column("hub_user_created", ExactTime, nullable=False),
    Column("provider", Exact(64), nullable=False),
    Column("granted_by", Exact(255), nullable=False),
    Column("granted_at", Double, nullable=False),
    PrimaryKeyConstraint("hub_user_id", "hub_user_created", "provider"),
)
"""That an administrator lets a hub user with special rights connect an identity of a provider."""

meta = Table(
    "hubauth_meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about the store itself."""
