"""messages, children, compensations, forks and time limits."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""

    op.create_table(
        "attribute",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("number", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "key"),
    )
    op.create_index("ix_attribute_number", "attribute", ["key", "number"], unique=False)
    op.create_index("ix_attribute_text", "attribute", ["key", "text"], unique=False)
    op.create_table(
        "child",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("child", sa.String(), nullable=False),
        sa.Column("on_close", sa.String(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq"),
    )
    op.create_index(op.f("ix_child_child"), "child", ["child"], unique=False)
    op.create_table(
        "compensation",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("args", sa.LargeBinary(), nullable=False),
        sa.Column("options", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq"),
    )
    op.create_table(
        "message",
        sa.Column("first_run", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first_run", "message"),
    )
    op.create_table(
        "published",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "key"),
    )
    op.create_table(
        "update_request",
        sa.Column("first_run", sa.String(), nullable=False),
        sa.Column("update", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("first_run", "update"),
    )
    op.create_table(
        "vote",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("saw", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", "by"),
    )
    op.add_column("activity", sa.Column("key_seq", sa.Integer(), nullable=True))
    op.add_column(
        "activity", sa.Column("effect", sa.String(), nullable=False, server_default="idempotent")
    )
    op.add_column(
        "activity", sa.Column("probe", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("activity", sa.Column("start_by", sa.BigInteger(), nullable=True))
    op.add_column("activity", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.add_column("activity", sa.Column("heartbeat_ms", sa.BigInteger(), nullable=True))
    op.add_column("activity", sa.Column("deadline_at", sa.BigInteger(), nullable=True))
    op.add_column("activity", sa.Column("probes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "activity", sa.Column("final", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("activity", sa.Column("resolution", sa.Text(), nullable=True))
    op.add_column("activity", sa.Column("resolved_by", sa.String(), nullable=True))
    op.create_index(
        "ix_activity_deadline",
        "activity",
        ["deadline_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.add_column("approval", sa.Column("shows", sa.LargeBinary(), nullable=True))
    op.add_column("approval", sa.Column("digest", sa.String(), nullable=False, server_default=""))
    op.add_column("approval", sa.Column("quorum", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "approval", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("approval", sa.Column("reminded_at", sa.BigInteger(), nullable=True))
    op.add_column("approval", sa.Column("escalated_at", sa.BigInteger(), nullable=True))
    op.add_column("inbound", sa.Column("code", sa.String(), nullable=True))
    op.add_column("run", sa.Column("parent", sa.String(), nullable=True))
    op.add_column("run", sa.Column("first_run", sa.String(), nullable=False, server_default=""))
    op.add_column("run", sa.Column("previous", sa.String(), nullable=True))
    op.add_column("run", sa.Column("continued_to", sa.String(), nullable=True))
    op.add_column("run", sa.Column("lineage", sa.String(), nullable=False, server_default=""))
    op.add_column("run", sa.Column("forked_from", sa.String(), nullable=True))
    op.add_column("run", sa.Column("forked_at", sa.Integer(), nullable=True))
    op.add_column("run", sa.Column("deadline_at", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("timeout_ms", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("paused_at", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("paused_by", sa.String(), nullable=True))
    op.add_column("run", sa.Column("pause_reason", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("ending", sa.String(), nullable=True))
    op.add_column("run", sa.Column("ending_reason", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("retry_budget", sa.Integer(), nullable=True))
    op.add_column(
        "run", sa.Column("retries_used", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_index(
        "ix_run_deadline",
        "run",
        ["deadline_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(op.f("ix_run_first_run"), "run", ["first_run"], unique=False)

    op.add_column("wait", sa.Column("due_at", sa.BigInteger(), nullable=True))

    # Every run began a chain of its own until now, and used its own keys.
    op.execute(sa.text("UPDATE run SET first_run = id, lineage = id"))

    # The end of a lease is one of the limits that workers look for.
    op.execute(sa.text("UPDATE activity SET deadline_at = lease_until WHERE state = 'leased'"))
