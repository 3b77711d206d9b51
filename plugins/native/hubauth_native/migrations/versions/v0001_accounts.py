"""Accounts and all that belongs to them."""

from alembic import op

from hubauth_native.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
