"""Accounts of people at their sources, and what backends keep between two requests."""

import sqlalchemy as sa
from alembic import op

from hubauth_core.plugin import Exact

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "hubauth_social_accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("uid", Exact(512), nullable=False),
        sa.Column("id_key", Exact(255), nullable=False),
        sa.Column("subject", Exact(512), nullable=False),
        sa.Column("extra_data", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.UniqueConstraint("provider", "uid", name="hubauth_social_uid"),
        sa.UniqueConstraint("provider", "subject", name="hubauth_social_subject"),
    )
    op.create_table(
        "hubauth_social_nonces",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", "timestamp"),
    )
    op.create_table(
        "hubauth_social_associations",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(2**16 - 1), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("hubauth_social_associations_of", "hubauth_social_associations", ["server"])
    op.create_table(
        "hubauth_social_codes",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("email", Exact(254), nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_table(
        "hubauth_social_kept",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(2**24 - 1), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    for table in ("nonces", "associations", "codes", "kept"):
        op.create_index(f"hubauth_social_{table}_end", f"hubauth_social_{table}", ["expires_at"])
