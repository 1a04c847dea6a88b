"""Runs migrations on the connection, and in the transaction, that `schema` hands over, or writes them down."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

from holdfast._store import tables  # noqa: F401 - importing it fills the metadata


def note_contract(ctx: Any, step: Any, **_: Any) -> None:
    """Record which releases a contract migration leaves behind; one that only adds leaves none."""
    module = step.up_revision.module
    if hasattr(module, "min_compatible"):
        table = sa.table("compatibility", sa.column("min_compatible"))
        ctx.execute(sa.update(table).values(min_compatible=module.min_compatible))


settings = context.config.attributes
where: dict[str, Any] = (
    {"dialect_name": settings["dialect"], "literal_binds": True}
    if context.is_offline_mode()
    else {"connection": settings["connection"]}
)
where["on_version_apply"] = note_contract
context.configure(target_metadata=SQLModel.metadata, transactional_ddl=False, **where)
context.run_migrations()
