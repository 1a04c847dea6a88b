"""What a person decides about an activity whose outcome nobody could find out."""

from typing import Any

from sqlalchemy import Row, select

from holdfast._store import attempts
from holdfast._store.database import Tx
from holdfast._store.rows import open_row
from holdfast._store.tables import activity, run
from holdfast.errors import UsageError
from holdfast.history import Failure, Json
from holdfast.runs import ActivityState

RESOLVED = "Resolved"


def waiting_row(tx: Tx, run_id: str, seq: int) -> Row[Any]:
    """Return the row of an activity in attention and the entry of its run, or raise saying what there is instead."""
    open_row(tx, run_id)
    query = (
        select(activity, run.c.entry)
        .join(run, run.c.id == activity.c.run_id)
        .where(activity.c.run_id == run_id, activity.c.seq == seq)
    )
    row = tx.conn.execute(query.with_for_update(of=activity) if tx.locks else query).first()
    if row is not None and row.state == ActivityState.ATTENTION.value:
        return row
    found = f"{row.name} (#{seq}) is {row.state}" if row is not None else f"it has no activity #{seq}"  # fmt: skip
    by = f", resolved by {row.resolved_by}" if row is not None and row.resolved_by else ""
    raise UsageError(
        f"Run {run_id}: {found}{by}; only an activity in attention waits for a decision. {_those(tx, run_id)} "
        "Nothing was changed."
    )


def _those(tx: Tx, run_id: str) -> str:
    rows = tx.conn.execute(
        select(activity.c.seq, activity.c.name)
        .where(activity.c.run_id == run_id, activity.c.state == ActivityState.ATTENTION.value)
        .order_by(activity.c.seq)
    ).all()
    named = ", ".join(f"{row.name} (#{row.seq})" for row in rows)
    return f"In attention: {named}." if named else "None of its activities is in attention."


def it_happened(tx: Tx, run_id: str, seq: int, result: Json, *, by: str) -> None:
    """Record the result that a person knows of."""
    row = waiting_row(tx, run_id, seq)
    attempts.complete(tx, row, result, resolution="happened", resolved_by=by)


def try_again(tx: Tx, run_id: str, seq: int, *, by: str) -> None:
    """Start another attempt, whatever retry policy and time limits say: a person knows that nothing has happened."""
    row = waiting_row(tx, run_id, seq)
    attempts.wait(
        tx, row, due_at=tx.now, state=ActivityState.READY, expires_at=None, resolution="retry", resolved_by=by
    )  # fmt: skip


def it_failed(tx: Tx, run_id: str, seq: int, reason: str, *, by: str) -> None:
    """Let the activity fail for good, for the reason that a person gives."""
    row = waiting_row(tx, run_id, seq)
    failure = Failure(
        type=RESOLVED, message=f"{reason} (decided by {by})", attempts=max(1, row.attempt)
    )
    resolution = tx.pack_text(f"fail: {reason}", "activity.resolution", run_id, seq)
    attempts.fail(tx, row, failure, resolution=resolution, resolved_by=by)
