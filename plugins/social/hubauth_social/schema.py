"""The tables of this plugin in hubauth's database. Times are Unix seconds.

What a browser brings back to prove that it is the same one - a token, a code, a state - stands here as a SHA-256 alone;
what must stay unread is sealed. A row that has an end is deleted after it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
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
    distribution="hubauth-social",
    versions=("0001",),
    version_table="hubauth_social_alembic_version",
    migrations="hubauth_social:migrations",
)

DIGEST: Final = 64
"""Characters of a SHA-256 in hexadecimal."""

LONGEST_UID: Final = 512
"""Characters of the longest identifier that a source may give somebody."""

metadata = MetaData()

accounts = Table(
    "hubauth_social_accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("provider", Exact(64), nullable=False),
    Column("uid", Exact(LONGEST_UID), nullable=False),
    Column("id_key", Exact(255), nullable=False),
    Column("subject", Exact(LONGEST_UID), nullable=False),
    Column("extra_data", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("provider", "uid", name="hubauth_social_uid"),
    UniqueConstraint("provider", "subject", name="hubauth_social_subject"),
)
"""Who has signed in by a provider. `uid` is what the source's answer has under `id_key`. `subject` is the `uid` of the
first sign-in: it stays when a provider is set to another key, and nobody else ever gets it. `extra_data` is JSON
without credentials, which backends compare the next answer with."""

nonces = Table(
    "hubauth_social_nonces",
    metadata,
    Column("digest", String(DIGEST), nullable=False),
    Column("timestamp", BigInteger, nullable=False, autoincrement=False),
    Column("expires_at", Double, nullable=False),
    PrimaryKeyConstraint("digest", "timestamp"),
    Index("hubauth_social_nonces_end", "expires_at"),
)
"""Values that count once: states of OAuth 2.0, nonces of OpenID. `digest` is of scope and value."""

associations = Table(
    "hubauth_social_associations",
    metadata,
    Column("digest", String(DIGEST), primary_key=True),
    Column("server", String(DIGEST), nullable=False),
    Column("sealed", LargeBinary(2**16 - 1), nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("hubauth_social_associations_of", "server"),
    Index("hubauth_social_associations_end", "expires_at"),
)
"""Shared secrets with OpenID servers, and nonces of OpenID Connect. `digest` is of server and handle."""

codes = Table(
    "hubauth_social_codes",
    metadata,
    Column("digest", String(DIGEST), primary_key=True),
    Column("email", Exact(254), nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("hubauth_social_codes_end", "expires_at"),
)
"""Codes that were sent to an address."""

kept = Table(
    "hubauth_social_kept",
    metadata,
    Column("digest", String(DIGEST), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("sealed", LargeBinary(2**24 - 1), nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("hubauth_social_kept_end", "expires_at"),
)
"""What waits for a browser to come back, by the digest of what only that browser has: `session` of a sign-in that is
too large for its cookie, `partial` of a pipeline that a form has interrupted."""

EXPIRING: Final = (nonces, associations, codes, kept)
"""Tables whose rows have an end."""
