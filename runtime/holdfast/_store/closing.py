"""Verbs that end a run: by its own command, by a request to cancel, or from outside."""

from typing import Any

from sqlalchemy import delete, select, update

from holdfast._store import compensations
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.rows import lock_run
from holdfast._store.tables import (
    activity,
    approval,
    child,
    run,
    schedule_tick,
    update_request,
    wait,
)
from holdfast.history import Failure, Json, failure_to_json
from holdfast.runs import ActivityState, RunStatus, TaskState


def close(tx: Tx, run_id: str, status: RunStatus, result: Json) -> None:
    """End a run, in the transaction of the worker that holds its lease or of whoever ends it from outside."""
    packed = (
        None
        if result is None and status is not RunStatus.COMPLETED
        else tx.pack(result, "run.result", run_id)
    )
    done = tx.conn.execute(
        update(run)
        .where(run.c.id == run_id, run.c.closed_at.is_(None))
        .values(
            status=status.value, closed_at=tx.now, task_state=TaskState.IDLE.value, lease_owner=None, lease_until=None,
            lease_epoch=run.c.lease_epoch + 1, result=packed,
        )
        .returning(run.c.schedule, run.c.first_run)
    ).first()  # fmt: skip
    if done is None:
        return
    if done.schedule is not None and status is not RunStatus.CONTINUED:
        _tell_schedule(tx, done.schedule, done.first_run, status)
    close_items(tx, run_id)
    _refuse_updates(tx, run_id, status)
    _tell_parents(tx, run_id, status, result)


def _tell_schedule(tx: Tx, schedule: str, first_run: str, status: RunStatus) -> None:
    """Note how the run of a tick ended; its row alone is touched, so that nobody waits for that of the schedule."""
    tx.conn.execute(
        update(schedule_tick)
        .where(
            schedule_tick.c.schedule == schedule,
            schedule_tick.c.run_id == first_run,
            schedule_tick.c.outcome.is_(None),
        )
        .values(outcome=status.value, closed_at=tx.now, unseen=True)
    )


def close_items(tx: Tx, run_id: str) -> None:
    """Take back everything that a run which has ended was waiting for."""
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id))
    cancel_activities(tx, run_id, None)
    compensations.drop(tx, run_id)
    withdraw_approvals(tx, run_id, None)


def _refuse_updates(tx: Tx, run_id: str, status: RunStatus) -> None:
    message = f"run {run_id} is {status.value}: it ended before it answered"
    failure = failure_to_json(Failure(type="RunClosedError", message=message))
    asked = update_request.c
    query = select(asked.first_run, asked.update).where(
        asked.run_id == run_id, asked.state == "requested"
    )
    for row in tx.conn.execute(query).all():
        tx.conn.execute(
            update(update_request)
            .where(asked.first_run == row.first_run, asked.update == row.update)
            .values(
                state="refused",
                answered_at=tx.now,
                reply=tx.pack(failure, "update_request.reply", row.first_run, row.update),
            )
        )


def _tell_parents(tx: Tx, run_id: str, status: RunStatus, result: Json) -> None:
    links = tx.conn.execute(
        select(child.c.run_id, child.c.seq).where(child.c.child == run_id, child.c.open)
    ).all()
    for link in links:
        tell_parent(tx, link.run_id, link.seq, status, result)


def tell_parent(tx: Tx, run_id: str, seq: int, status: RunStatus, result: Json) -> None:
    """Append to a run the end of the child that command `seq` started; it is told no more of it."""
    lock_run(tx, run_id)
    forget_child(tx, run_id, seq)
    if status is RunStatus.COMPLETED:
        append_event(tx, run_id, "child_completed", {"seq": seq, "result": result})
    else:
        body: dict[str, Json] = {
            "seq": seq,
            "status": status.value,
            "failure": _failure(status, result),
        }
        append_event(tx, run_id, "child_failed", body)


def tell_if_ended(tx: Tx, run_id: str, seq: int, child_row: Any) -> bool:
    """Tell a run of the child that command `seq` has, if that has ended before."""
    if child_row.closed_at is None:
        return False
    packed = child_row.result
    result = None if packed is None else tx.unpack(packed, "run.result", child_row.id)
    tell_parent(tx, run_id, seq, RunStatus(child_row.status), result)
    return True


def _failure(status: RunStatus, result: Json) -> Json:
    if status is RunStatus.FAILED and isinstance(result, dict):
        return result
    reason = result.get("reason") if isinstance(result, dict) else None
    type_name = {"cancelled": "RunCancelledError", "terminated": "RunTerminatedError"}.get(
        status.value, "RunTimedOutError"
    )
    return failure_to_json(Failure(type=type_name, message=str(reason or status.value)))


def forget_child(tx: Tx, run_id: str, seq: int) -> None:
    """Note that a run is told no more of the child that command `seq` started."""
    tx.conn.execute(
        update(child).where(child.c.run_id == run_id, child.c.seq == seq).values(open=False)
    )


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
