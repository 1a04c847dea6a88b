"""Verbs that hold a run and let it go on."""

from sqlalchemy import update

from holdfast._store.database import Tx
from holdfast._store.ending import cannot_run, end
from holdfast._store.rows import open_row
from holdfast._store.tables import run
from holdfast.errors import UsageError
from holdfast.runs import RunStatus


def pause(tx: Tx, run_id: str, *, reason: str, by: str) -> None:
    """Let nothing further of a run be claimed; what happens to it is recorded, and applied when it is resumed."""
    row = open_row(tx, run_id)
    if row.ending is not None:
        raise UsageError(
            f"Run {run_id} is being ended, so it cannot be paused; nothing was changed."
        )
    if row.paused_at is not None:
        raise UsageError(
            f"Run {run_id} was paused by {row.paused_by} already; nothing was changed. "
            f"Let it go on with: holdfast resume {run_id}"
        )
    sealed = tx.pack_text(reason, "run.pause_reason", run_id)
    tx.conn.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(paused_at=tx.now, paused_by=by, pause_reason=sealed)
    )


def resume(tx: Tx, run_id: str) -> None:
    """Let a paused run go on."""
    row = open_row(tx, run_id)
    if row.paused_at is None:
        raise UsageError(f"Run {run_id} is not paused; nothing was changed.")
    tx.conn.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(paused_at=None, paused_by=None, pause_reason=None)
    )
    if row.cancel_requested_at is not None and cannot_run(tx, row):
        end(tx, row, RunStatus.CANCELLED, "cancelled while it was paused")
