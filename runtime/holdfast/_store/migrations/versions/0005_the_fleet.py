"""what workers know and hold."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""

    op.add_column("worker", sa.Column("queues", sa.LargeBinary(), nullable=True))
    op.add_column("worker", sa.Column("patches", sa.LargeBinary(), nullable=True))
    op.add_column("worker", sa.Column("build", sa.String(), nullable=True))
    op.add_column("worker", sa.Column("holdfast", sa.String(), nullable=True))
    op.add_column("worker", sa.Column("python", sa.String(), nullable=True))
    op.create_index(
        "ix_worker_live",
        "worker",
        ["seen_at"],
        unique=False,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_index(
        "ix_activity_held",
        "activity",
        ["lease_owner"],
        unique=False,
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
    )
