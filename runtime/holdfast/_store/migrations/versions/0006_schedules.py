"""schedules and what became of their ticks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""

    op.create_table(
        "schedule",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False),
        sa.Column("overlap", sa.String(), nullable=False),
        sa.Column("catch_up_ms", sa.BigInteger(), nullable=False),
        sa.Column("jitter_ms", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=True),
        sa.Column("end_at", sa.BigInteger(), nullable=True),
        sa.Column("max_runs", sa.Integer(), nullable=True),
        sa.Column("pause_on_failure", sa.Boolean(), nullable=False),
        sa.Column("timeout_ms", sa.BigInteger(), nullable=True),
        sa.Column("retry_budget", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("next_nominal", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_by", sa.String(), nullable=True),
        sa.Column("pause_note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_schedule_due", "schedule", ["next_at"], unique=False)
    op.create_table(
        "schedule_tick",
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("nominal", sa.BigInteger(), nullable=False),
        sa.Column("fire_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("through", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("unseen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("schedule", "run_id"),
    )
    op.create_index(
        "ix_schedule_tick_nominal", "schedule_tick", ["schedule", "nominal"], unique=False
    )
    op.create_index(
        "ix_schedule_tick_unseen",
        "schedule_tick",
        ["schedule"],
        unique=False,
        sqlite_where=sa.text("unseen"),
        postgresql_where=sa.text("unseen"),
    )
    op.add_column("run", sa.Column("schedule", sa.String(), nullable=True))
    op.add_column("run", sa.Column("scheduled_for", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_run_schedule",
        "run",
        ["schedule", "created_at"],
        unique=False,
        sqlite_where=sa.text("schedule IS NOT NULL"),
        postgresql_where=sa.text("schedule IS NOT NULL"),
    )
