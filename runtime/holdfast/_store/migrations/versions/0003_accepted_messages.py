"""the types of the messages that a run takes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""

    op.create_table(
        "accepted",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("schema", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "message"),
    )
