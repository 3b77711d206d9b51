"""Identities, names, pins, prefixes and the vault."""

import sqlalchemy as sa
from alembic import op

from hubauth_core.schema import Exact, ExactTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    _identities()
    _names()
    op.create_table(
        "hubauth_prefixes",
        sa.Column("provider", Exact(64), primary_key=True),
        sa.Column("prefix", Exact(255), nullable=False),
    )
    op.create_table(
        "hubauth_vault",
        sa.Column(
            "identity_id", sa.String(32), sa.ForeignKey("hubauth_identities.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("resource", Exact(255), nullable=False),
        sa.Column("blob", sa.LargeBinary(2**24 - 1), nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("identity_id", "purpose", "resource"),
    )
    op.create_table(
        "hubauth_meta",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _identities() -> None:
    op.create_table(
        "hubauth_identities",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("subject", Exact(512), nullable=False),
        sa.Column("username", Exact(255), nullable=False),
        sa.Column("hub_user_id", sa.Integer, nullable=False),
        sa.Column("hub_user_created", ExactTime, nullable=False),
        sa.Column("hub_name", Exact(255), nullable=False),
        sa.Column("home_of", sa.String(64), unique=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=False),
        sa.Column("orphaned_at", sa.Double),
        sa.UniqueConstraint("provider", "subject", name="hubauth_identity_key"),
    )
    op.create_index("hubauth_identity_hub_user", "hubauth_identities", ["hub_user_id", "hub_user_created"])


def _names() -> None:
    op.create_table(
        "hubauth_names",
        sa.Column("name_key", Exact(255), primary_key=True),
        sa.Column("hub_user_id", sa.Integer, nullable=False),
        sa.Column("hub_user_created", ExactTime, nullable=False),
    )
    op.create_index("hubauth_name_hub_user", "hubauth_names", ["hub_user_id", "hub_user_created"])
    op.create_table(
        "hubauth_pins",
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("username", Exact(255), nullable=False),
        sa.Column("subject", Exact(512), nullable=False),
        sa.PrimaryKeyConstraint("provider", "username"),
    )
    op.create_index("hubauth_pin_subject", "hubauth_pins", ["provider", "subject"])
    op.create_table(
        "hubauth_had_identity",
        sa.Column("hub_user_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("hub_user_created", ExactTime, nullable=False),
        sa.PrimaryKeyConstraint("hub_user_id", "hub_user_created"),
    )
