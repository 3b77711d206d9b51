"""How Alembic reaches the database: only on the connection that the core hands it."""

from alembic import context

from hubauth_social.schema import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=SCHEMA.version_table,
    transactional_ddl=False,
)
context.run_migrations()
