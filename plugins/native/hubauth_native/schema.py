"""The tables of this plugin in hubauth's database. `provider` tells several providers of this type apart.

Times are Unix seconds. What identifies somebody is compared byte by byte; unique names are the database's own word.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
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

from hubauth_core.plugin import Exact, Schema

SCHEMA: Final = Schema(
    distribution="hubauth-native",
    versions=("0001",),
    version_table="hubauth_native_alembic_version",
    migrations="hubauth_native:migrations",
)

ID: Final = 32
"""Characters of an account's id, which is its subject: 128 random bits in hexadecimal."""

metadata = MetaData()

accounts = Table(
    "hubauth_native_accounts",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("provider", Exact(64), nullable=False),
    Column("username", Exact(255), nullable=False),
    Column("name_key", Exact(255), nullable=False),
    Column("full_name", String(255), nullable=False),
    Column("email", Exact(254)),
    Column("verified_email_key", Exact(254)),
    Column("password_hash", Text),
    Column("password_set_at", Double),
    Column("must_change", Boolean, nullable=False),
    Column("must_verify", Boolean, nullable=False),
    Column("status", String(16), nullable=False),
    Column("inactive_until", Double),
    Column("status_reason", Text, nullable=False),
    Column("admin", Boolean),
    Column("vouched", Boolean, nullable=False),
    Column("origin", String(32), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("announced_at", Double),
    Column("approved_at", Double),
    Column("approved_by", Exact(255), nullable=False),
    Column("terms_version", String(64), nullable=False),
    Column("terms_at", Double),
    Column("last_sign_in_at", Double),
    Column("failures", Integer, nullable=False),
    Column("last_failure_at", Double),
    UniqueConstraint("provider", "name_key", name="hubauth_native_name"),
    UniqueConstraint("provider", "verified_email_key", name="hubauth_native_email"),
    Index("hubauth_native_status", "provider", "status", "created_at"),
)
"""`name_key` folds look-alikes (row V38). `verified_email_key` is null until the address is proved, so that nobody
blocks an owner by typing an address (row V34). `password_hash` of None never signs in (row V19). `failures` in a row
since the last success (row P10). `vouched`: an administrator made the account, so its name may stand in the
configuration. `must_verify`: not to be used before the address is proved. `announced_at`: when administrators were told
that it waits for them."""

history = Table(
    "hubauth_native_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", String(ID), ForeignKey("hubauth_native_accounts.id", ondelete="CASCADE"), nullable=False),
    Column("at", Double, nullable=False),
    Column("act", String(64), nullable=False),
    Column("actor", Exact(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("address", String(64), nullable=False),
    Index("hubauth_native_history_of", "account_id", "at"),
)
"""What happened to an account, for its administrators. `actor` is empty where it was its owner."""

links = Table(
    "hubauth_native_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("provider", Exact(64), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("account_id", String(ID), ForeignKey("hubauth_native_accounts.id", ondelete="CASCADE")),
    Column("email", Exact(254), nullable=False),
    Column("data", Text, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("created_by", Exact(255), nullable=False),
    Index("hubauth_native_links_of", "account_id", "purpose"),
    Index("hubauth_native_links_end", "expires_at"),
)
"""One-time links, by the SHA-256 of what stands in the address. `data` is JSON."""

mails = Table(
    "hubauth_native_mails",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("provider", Exact(64), nullable=False),
    Column("sealed", LargeBinary(2**20), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Double, nullable=False),
    Column("claimed_until", Double, nullable=False),
    Column("give_up_at", Double, nullable=False),
    Column("trouble", String(255), nullable=False),
    Index("hubauth_native_mails_turn", "provider", "next_try_at"),
)
"""Mails to be sent. `sealed` is recipient, subject and text under a key of the hub: a mail may hold a link."""

endings = Table(
    "hubauth_native_endings",
    metadata,
    Column("account_id", String(ID), primary_key=True),
    Column("provider", Exact(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("wanted_at", Double, nullable=False),
)
"""Hub users whose access has yet to end (`access`), or who have yet to be deleted with their account (`user`).

No foreign key: the account may be gone by then."""

throttle = Table(
    "hubauth_native_throttle",
    metadata,
    Column("key", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("count", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("open_at", Double, nullable=False),
    PrimaryKeyConstraint("key", "kind"),
    Index("hubauth_native_throttle_age", "updated_at"),
)
"""Counters of attempts. `key` is a keyed digest of an account, an address, or both; the next may come at `open_at`."""

factors = Table(
    "hubauth_native_factors",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("keeper", Exact(64), nullable=False),
    Column("provider", Exact(64), nullable=False),
    Column("subject", Exact(512), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("label", String(255), nullable=False),
    Column("data", LargeBinary(2**16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("challenged_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    UniqueConstraint("digest", name="hubauth_native_factor"),
    Index("hubauth_native_factors_of", "keeper", "provider", "subject", "kind"),
)
"""Second factors of an identity (`provider`, `subject`) of any provider, kept by the native provider `keeper`.

`totp`: `data` is the sealed secret, `counter` the last step that was used. `recovery`: one code, of which there is the
`digest` alone. `passkey`: `data` is its public key, `counter` its signature counter, `challenged_at` when the last
challenge was made that it has answered. `digest` is of what makes a factor that one: no two rows hold the same."""

browsers = Table(
    "hubauth_native_browsers",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("keeper", Exact(64), nullable=False),
    Column("provider", Exact(64), nullable=False),
    Column("subject", Exact(512), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("hubauth_native_browsers_of", "keeper", "provider", "subject"),
)
"""Browsers that are not asked for the second factor for a while."""
