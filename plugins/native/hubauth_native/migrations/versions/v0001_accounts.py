"""Accounts and all that belongs to them."""

import sqlalchemy as sa
from alembic import op

from hubauth_core.plugin import Exact

revision = "0001"
down_revision = None


def upgrade() -> None:
    _accounts()
    _letters_and_links()
    _attempts_and_endings()
    _factors()


def _accounts() -> None:
    op.create_table(
        "hubauth_native_accounts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("username", Exact(255), nullable=False),
        sa.Column("name_key", Exact(255), nullable=False),
        sa.Column("full_name", sa.String(255), nullable=False),
        sa.Column("email", Exact(254)),
        sa.Column("verified_email_key", Exact(254)),
        sa.Column("password_hash", sa.Text),
        sa.Column("password_set_at", sa.Double),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("must_verify", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("inactive_until", sa.Double),
        sa.Column("status_reason", sa.Text, nullable=False),
        sa.Column("admin", sa.Boolean),
        sa.Column("vouched", sa.Boolean, nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("announced_at", sa.Double),
        sa.Column("approved_at", sa.Double),
        sa.Column("approved_by", Exact(255), nullable=False),
        sa.Column("terms_version", sa.String(64), nullable=False),
        sa.Column("terms_at", sa.Double),
        sa.Column("last_sign_in_at", sa.Double),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_failure_at", sa.Double),
        sa.UniqueConstraint("provider", "verified_email_key", name="hubauth_native_email"),
        sa.UniqueConstraint("provider", "name_key", name="hubauth_native_name"),
    )
    op.create_index("hubauth_native_status", "hubauth_native_accounts", ["provider", "status", "created_at"])
    op.create_table(
        "hubauth_native_history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "account_id", sa.String(32), sa.ForeignKey("hubauth_native_accounts.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("act", sa.String(64), nullable=False),
        sa.Column("actor", Exact(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
    )
    op.create_index("hubauth_native_history_of", "hubauth_native_history", ["account_id", "at"])


def _letters_and_links() -> None:
    op.create_table(
        "hubauth_native_links",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), sa.ForeignKey("hubauth_native_accounts.id", ondelete="CASCADE")),
        sa.Column("email", Exact(254), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("uses_left", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("created_by", Exact(255), nullable=False),
    )
    op.create_index("hubauth_native_links_end", "hubauth_native_links", ["expires_at"])
    op.create_index("hubauth_native_links_of", "hubauth_native_links", ["account_id", "purpose"])
    op.create_table(
        "hubauth_native_mails",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(2**20), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.Double, nullable=False),
        sa.Column("claimed_until", sa.Double, nullable=False),
        sa.Column("give_up_at", sa.Double, nullable=False),
        sa.Column("trouble", sa.String(255), nullable=False),
    )
    op.create_index("hubauth_native_mails_turn", "hubauth_native_mails", ["provider", "next_try_at"])


def _attempts_and_endings() -> None:
    op.create_table(
        "hubauth_native_throttle",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("count", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("open_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", "kind"),
    )
    op.create_index("hubauth_native_throttle_age", "hubauth_native_throttle", ["updated_at"])
    op.create_table(
        "hubauth_native_endings",
        sa.Column("account_id", sa.String(32), primary_key=True),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("wanted_at", sa.Double, nullable=False),
    )


def _factors() -> None:
    op.create_table(
        "hubauth_native_factors",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("keeper", Exact(64), nullable=False),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("subject", Exact(512), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("data", sa.LargeBinary(2**16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("challenged_at", sa.Double, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.UniqueConstraint("digest", name="hubauth_native_factor"),
    )
    op.create_index("hubauth_native_factors_of", "hubauth_native_factors", ["keeper", "provider", "subject", "kind"])
    op.create_table(
        "hubauth_native_browsers",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("keeper", Exact(64), nullable=False),
        sa.Column("provider", Exact(64), nullable=False),
        sa.Column("subject", Exact(512), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("hubauth_native_browsers_of", "hubauth_native_browsers", ["keeper", "provider", "subject"])
