"""Verbs that end a run from outside, and carry out its compensations without its code.

Such a run stays open while they are carried out: `run.ending` holds the status that it takes then. Its task is never
claimed again, and it takes no further events.
"""

import contextlib
from typing import Any

from sqlalchemy import func, select, update

from holdfast._store import compensations
from holdfast._store.closing import (
    cancel_activities,
    close,
    forget_child,
    withdraw_approvals,
)
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.rows import lock_children, open_row
from holdfast._store.sealing import left_if_sealed
from holdfast._store.tables import child, run, wait
from holdfast.errors import UsageError
from holdfast.history import Json
from holdfast.runs import RunStatus, TaskState


def request_cancel(tx: Tx, run_id: str, reason: str) -> None:
    """Ask a run to cancel itself; asking again changes nothing.

    A run whose code cannot run, because it is blocked or has not begun, is ended as cancelled at once, or when it is
    resumed.
    """
    row = open_row(tx, run_id)
    _refuse_ending(row)
    if row.cancel_requested_at is None:
        tx.conn.execute(update(run).where(run.c.id == run_id).values(cancel_requested_at=tx.now))
        append_event(tx, run_id, "cancel_requested", {"reason": reason})
    if row.paused_at is None and cannot_run(tx, row):
        end(tx, row, RunStatus.CANCELLED, reason)


def cannot_run(tx: Tx, row: Any) -> bool:
    """Tell whether the code of a run cannot be asked to cancel itself."""
    return bool(
        row.task_state == TaskState.BLOCKED.value or (row.done_turn == 0 and row.start_at > tx.now)
    )


def terminate(tx: Tx, run_id: str, reason: str, *, compensate: bool = True) -> None:
    """End a run without asking its code; its compensations are carried out first unless told otherwise."""
    row = open_row(tx, run_id)
    if compensate:
        _refuse_ending(row)
    end(tx, row, RunStatus.TERMINATED, reason, compensate=compensate)


def _refuse_ending(row: Any) -> None:
    if row.ending is not None:
        raise UsageError(
            f"Run {row.id} is being ended already; its compensations are carried out first. To end it without them: "
            f"holdfast terminate {row.id} --without-compensation --reason …"
        )


def time_out_due(tx: Tx, *, limit: int) -> int:
    """End the runs whose time is up, paused and blocked ones too, and return how many."""
    due = tx.conn.execute(
        select(run)
        .where(run.c.closed_at.is_(None), run.c.ending.is_(None), run.c.deadline_at <= tx.now)
        .order_by(run.c.deadline_at, run.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    done = 0
    for row in due:
        lasted = "" if row.timeout_ms is None else f" of {row.timeout_ms / 1000:g} s"
        # A process that cannot read what its compensations need leaves the run to one that can.
        with left_if_sealed(tx, f"The end of run {row.id}, whose time is up,"):
            end(tx, row, RunStatus.TIMED_OUT, f"it did not end within its timeout{lasted}")
            done += 1
    return done


def next_deadline(tx: Tx, *, after: int = -1) -> int | None:
    """Return when the time of the next run is up that is not at `after`, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(run.c.deadline_at)).where(
            run.c.closed_at.is_(None), run.c.ending.is_(None), run.c.deadline_at > after
        )
    ).scalar()
    return due


def end(tx: Tx, row: Any, status: RunStatus, reason: str, *, compensate: bool = True) -> None:
    """Take the run away from its code, and close it once its compensations are done."""
    tx.conn.execute(
        update(run)
        .where(run.c.id == row.id)
        .values(
            ending=status.value, ending_reason=tx.pack_text(reason, "run.ending_reason", row.id),
            task_state=TaskState.IDLE.value, lease_owner=None, lease_until=None, lease_epoch=run.c.lease_epoch + 1,
        )
    )  # fmt: skip
    tx.conn.execute(wait.delete().where(wait.c.run_id == row.id))
    withdraw_approvals(tx, row.id, None)
    cancel_activities(tx, row.id, None, but_compensations=compensate)
    if not compensate:
        compensations.skip_all(tx, row.id)
    _go_on(tx, row.id)


def ended(tx: Tx, row: Any, *, failed: bool) -> None:
    """Note how the activity of a compensation ended; in a run without code, the next one follows."""
    compensations.finish(tx, row.run_id, row.key_seq, failed=failed)
    ending = tx.conn.execute(select(run.c.ending).where(run.c.id == row.run_id)).scalar()
    if ending is not None:
        _go_on(tx, row.run_id)


def _go_on(tx: Tx, run_id: str) -> None:
    row = tx.conn.execute(select(run).where(run.c.id == run_id)).one()
    if compensations.is_running(tx, run_id):
        return
    if not compensations.start_next(tx, run_id, queue=row.queue):
        reason = tx.show_text(row.ending_reason, "run.ending_reason", run_id)
        result: Json = {"reason": reason, "compensations": compensations.report(tx, run_id)}
        close_run(tx, run_id, RunStatus(row.ending), result)


def close_run(tx: Tx, run_id: str, status: RunStatus, result: Json) -> None:
    """Close a run, and do with its children what it said at their start."""
    lock_children(tx, run_id)
    close(tx, run_id, status, result)
    _close_children(tx, run_id)


def _close_children(tx: Tx, run_id: str) -> None:
    """Do with the children of a run that has ended what it said at their start."""
    links = tx.conn.execute(
        select(child.c.child, child.c.seq, child.c.on_close)
        .where(child.c.run_id == run_id, child.c.open)
        .order_by(child.c.seq)
    ).all()
    for link in links:
        forget_child(tx, run_id, link.seq)
        if _is_awaited(tx, link.child):
            continue  # by a fork, or by the run of which this is one
        with contextlib.suppress(UsageError):
            if link.on_close == "cancel":
                request_cancel(tx, link.child, f"run {run_id}, which started it, has ended")
            elif link.on_close == "terminate":
                terminate(tx, link.child, f"run {run_id}, which started it, has ended")


def _is_awaited(tx: Tx, run_id: str) -> bool:
    links = select(child.c.run_id).where(child.c.child == run_id, child.c.open)
    return tx.conn.execute(links.limit(1)).first() is not None


def cancel_child(tx: Tx, run_id: str, seq: int) -> None:
    """Ask the child that command `seq` started, if it did start one, to cancel itself."""
    lock_children(tx, run_id, seq)
    link = tx.conn.execute(
        select(child.c.child).where(child.c.run_id == run_id, child.c.seq == seq, child.c.open)
    ).first()
    if link is not None:
        with contextlib.suppress(UsageError):
            request_cancel(tx, link.child, f"run {run_id}, which started it, no longer needs it")
