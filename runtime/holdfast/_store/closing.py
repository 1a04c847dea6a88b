"""Verbs that end a run: by its own command, by a request to cancel, or from outside."""

from typing import Any

from sqlalchemy import delete, select, update

from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.tables import activity, approval, run, wait
from holdfast.codec import pack
from holdfast.errors import RunClosedError, UnknownRunError
from holdfast.runs import ActivityState, RunStatus, TaskState


def close(tx: Tx, run_id: str, status: RunStatus, result: bytes | None) -> None:
    """End a run, in the transaction of the worker that holds its lease or of whoever ends it from outside."""
    tx.conn.execute(
        update(run)
        .where(run.c.id == run_id, run.c.closed_at.is_(None))
        .values(
            status=status.value, closed_at=tx.now, task_state=TaskState.IDLE.value, lease_owner=None, lease_until=None,
            lease_epoch=run.c.lease_epoch + 1, result=result,
        )
    )  # fmt: skip
    close_items(tx, run_id)


def close_items(tx: Tx, run_id: str) -> None:
    """Take back everything that a run which has ended was waiting for."""
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id))
    cancel_activities(tx, run_id, None)
    withdraw_approvals(tx, run_id, None)


def cancel_activities(tx: Tx, run_id: str, seq: int | None) -> None:
    """Take back the open activities of a run, or the one that command `seq` scheduled."""
    which = [activity.c.run_id == run_id, activity.c.closed_at.is_(None)]
    which += [] if seq is None else [activity.c.seq == seq]
    tx.conn.execute(
        update(activity)
        .where(*which)
        .values(
            state=ActivityState.CANCELLED.value,
            closed_at=tx.now,
            lease_owner=None,
            lease_until=None,
            lease_epoch=activity.c.lease_epoch + 1,
        )
    )


def withdraw_approvals(tx: Tx, run_id: str, seq: int | None) -> None:
    """Withdraw the open approvals of a run, or the one that command `seq` requested."""
    which = [approval.c.run_id == run_id, approval.c.state == "open"]
    which += [] if seq is None else [approval.c.seq == seq]
    tx.conn.execute(update(approval).where(*which).values(state="withdrawn"))


def request_cancel(tx: Tx, run_id: str, reason: str) -> None:
    """Ask a run to cancel itself; asking again changes nothing.

    A run whose code cannot run, because it is blocked or has not begun, is closed as cancelled at once.
    """
    row = open_row(tx, run_id)
    if row.cancel_requested_at is None:
        tx.conn.execute(update(run).where(run.c.id == run_id).values(cancel_requested_at=tx.now))
        append_event(tx, run_id, "cancel_requested", {"reason": reason})
    if row.task_state == TaskState.BLOCKED.value or (row.done_turn == 0 and row.start_at > tx.now):
        _close_from_outside(tx, run_id, RunStatus.CANCELLED, reason)


def terminate(tx: Tx, run_id: str, reason: str) -> None:
    """End a run at once, without asking its code."""
    open_row(tx, run_id)
    _close_from_outside(tx, run_id, RunStatus.TERMINATED, reason)


def _close_from_outside(tx: Tx, run_id: str, status: RunStatus, reason: str) -> None:
    close(tx, run_id, status, pack({"reason": reason}))


def open_row(tx: Tx, run_id: str) -> Any:
    """Return the row of a run that has not ended; raise `UnknownRunError` or `RunClosedError` otherwise."""
    row = tx.conn.execute(select(run).where(run.c.id == run_id)).first()
    if row is None:
        raise UnknownRunError(
            f"There is no run {run_id!r} in this database. `holdfast runs` lists them."
        )
    if row.closed_at is not None:
        raise RunClosedError(f"Run {run_id} is {row.status} already; nothing was changed.")
    return row
