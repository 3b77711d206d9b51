"""How Alembic reaches the database: only on the connection that `hubauth_core.database` hands it."""

from alembic import context

from hubauth_core.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=False,
)
context.run_migrations()
