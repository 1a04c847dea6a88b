"""Verbs that end a run: by its own command, by a request to cancel, or from outside."""

from typing import Any

from sqlalchemy import delete, select, update

from holdfast._store import compensations
from holdfast._store.database import Tx
from holdfast._store.tables import activity, approval, run, wait
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
    compensations.drop(tx, run_id)
    withdraw_approvals(tx, run_id, None)


def cancel_activities(
    tx: Tx, run_id: str, seq: int | None, *, but_compensations: bool = False
) -> None:
    """Take back the open activities of a run, or the one that command `seq` scheduled."""
    which = [activity.c.run_id == run_id, activity.c.closed_at.is_(None)]
    which += [] if seq is None else [activity.c.seq == seq]
    which += [activity.c.key_seq.is_(None)] if but_compensations else []
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
