"""Runs migrations on the connection, and in the transaction, that `schema.prepare` hands over."""

from alembic import context
from sqlmodel import SQLModel

from holdfast._store import tables  # noqa: F401 - importing it fills the metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, transactional_ddl=False)
context.run_migrations()
