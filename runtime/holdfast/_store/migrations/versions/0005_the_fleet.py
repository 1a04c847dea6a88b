"""what workers know and hold, limits and priorities."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
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
    for table in ("run", "activity"):
        op.add_column(
            table, sa.Column("priority", sa.Integer(), nullable=False, server_default="5")
        )
    op.add_column("activity", sa.Column("limit_name", sa.String(), nullable=True))
    op.create_table(
        "queue",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("max_activities", sa.Integer(), nullable=True),
        sa.Column("max_tasks", sa.Integer(), nullable=True),
        sa.Column("rate_count", sa.Integer(), nullable=True),
        sa.Column("rate_per_ms", sa.BigInteger(), nullable=True),
        sa.Column("rate_burst", sa.Integer(), nullable=True),
        sa.Column("full_at", sa.Float(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_by", sa.String(), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "key_limit",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("at_once", sa.Integer(), nullable=True),
        sa.Column("rate_count", sa.Integer(), nullable=True),
        sa.Column("rate_per_ms", sa.BigInteger(), nullable=True),
        sa.Column("rate_burst", sa.Integer(), nullable=True),
        sa.Column("full_at", sa.Float(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_key_limit_free", "key_limit", ["free_at"], unique=False)
    op.create_index(
        "ix_activity_turn",
        "activity",
        ["queue", "priority", "visible_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_activity_held",
        "activity",
        ["queue", "limit_name", "lease_owner"],
        unique=False,
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
    )
