"""Identities, names, pins, prefixes, the vault and what goes with it."""

import sqlalchemy as sa
from alembic import op

from hubauth_core.schema import LONG_TEXT, Exact, ExactTime

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
        sa.Column("generation", sa.String(32), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("renewable", sa.Boolean, nullable=False),
        sa.Column("trouble", sa.String(64), nullable=False),
        sa.Column("lease_until", sa.Double),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("identity_id", "purpose", "resource"),
    )
    _revocations_and_consents()
    op.create_table(
        "hubauth_meta",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _revocations_and_consents() -> None:
    op.create_table(
        "hubauth_revocations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("identity_id", sa.String(32), nullable=False),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("subject", Exact(512), nullable=False),
        sa.Column("resource", Exact(255), nullable=False),
        sa.Column("blob", sa.LargeBinary(2**24 - 1), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.Double, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("hubauth_revocation_turn", "hubauth_revocations", ["retry_at"])
    op.create_table(
        "hubauth_consents",
        sa.Column("hub_user_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("hub_user_created", ExactTime, nullable=False),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("granted_by", Exact(255), nullable=False),
        sa.Column("granted_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("hub_user_id", "hub_user_created", "provider"),
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
        sa.Column("refused_at", sa.Double),
        sa.Column("checked_at", sa.Double, nullable=False),
        sa.Column("facts", LONG_TEXT, nullable=False),
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
