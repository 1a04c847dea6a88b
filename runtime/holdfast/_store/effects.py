"""What each command asks of the database, in the transaction that records it."""

from sqlalchemy import delete, insert, select, update

from holdfast._store.database import Tx
from holdfast._store.tables import activity, approval, run, wait
from holdfast._store.tables import command as command_table
from holdfast.history import (
    CancelCommand,
    CancelRun,
    Command,
    CompleteRun,
    FailRun,
    RecordPatch,
    ReopenApproval,
    RequestApproval,
    ScheduleActivity,
    StartTimer,
    body_of,
    name_of,
)
from holdfast.runs import ActivityState, RunStatus, TaskState

_CONDITION = 0  # commands count from 1, so 0 is free for the wait that no command explains


def apply_command(tx: Tx, run_id: str, turn: int, command: Command, *, queue: str, at: int) -> None:
    """Record one command and do what it asks for; `at` is the time of the event that it answers."""
    tx.conn.execute(
        insert(command_table).values(
            run_id=run_id, seq=command.seq, turn=turn, kind=command.kind, name=name_of(command), site=command.site,
            body=tx.pack(body_of(command), "command.body", run_id, command.seq),
        )
    )  # fmt: skip
    match command:
        case ScheduleActivity():
            _schedule(tx, run_id, command, queue)
        case StartTimer():
            _wait(tx, run_id, command, name="", fire_at=at + command.ms)
        case RequestApproval():
            _ask(tx, run_id, command, at)
        case CancelCommand():
            _take_back(tx, run_id, command.target)
        case ReopenApproval():
            _ask_again(tx, run_id, command)
        case CompleteRun():
            _close(tx, run_id, RunStatus.COMPLETED, tx.pack(command.result, "run.result", run_id))
        case FailRun():
            failure = tx.pack(body_of(command)["failure"], "run.result", run_id)
            _close(tx, run_id, RunStatus.FAILED, failure)
        case CancelRun():
            _close(tx, run_id, RunStatus.CANCELLED, None)
        case RecordPatch():
            pass  # the record is all there is


def _schedule(tx: Tx, run_id: str, command: ScheduleActivity, queue: str) -> None:
    tx.conn.execute(
        insert(activity).values(
            run_id=run_id, seq=command.seq, name=command.name, queue=command.options.get("queue") or queue,
            state=ActivityState.READY.value, site=command.site,
            args=tx.pack(command.args, "activity.args", run_id, command.seq),
            options=tx.pack(command.options, "activity.options", run_id, command.seq),
            max_attempts=command.options.get("max_attempts"), attempt=0, scheduled_at=tx.now, visible_at=tx.now,
            lease_epoch=0, same_error=0,
        )
    )  # fmt: skip


def _wait(
    tx: Tx, run_id: str, command: StartTimer | RequestApproval, *, name: str, fire_at: int | None
) -> None:
    kind = "timer" if isinstance(command, StartTimer) else "approval"
    tx.conn.execute(
        insert(wait).values(
            run_id=run_id,
            seq=command.seq,
            kind=kind,
            name=name,
            opened_at=tx.now,
            fire_at=fire_at,
            site=command.site,
        )
    )


def _ask(tx: Tx, run_id: str, command: RequestApproval, at: int) -> None:
    due_at = None if command.timeout_ms is None else at + command.timeout_ms
    _wait(tx, run_id, command, name=command.name, fire_at=due_at)
    tx.conn.execute(
        insert(approval).values(
            run_id=run_id, seq=command.seq, name=command.name,
            ask=tx.pack_text(command.ask, "approval.ask", run_id, command.seq),
            asked=tx.pack(list(command.to), "approval.asked", run_id, command.seq),
            schema=tx.pack(command.schema, "approval.schema", run_id, command.seq), state="open", opened_at=tx.now, due_at=due_at,
            delivered_at=tx.now,  # it stands in the inbox from this commit on
        )
    )  # fmt: skip


def _ask_again(tx: Tx, run_id: str, command: ReopenApproval) -> None:
    which = (approval.c.run_id == run_id, approval.c.seq == command.target)
    row = tx.conn.execute(select(approval).where(*which)).one()
    refused = f"The answer of {row.decided_by} was put back: {command.reason}"
    tx.conn.execute(
        update(approval)
        .where(*which)
        .values(
            state="open",
            decided_at=None,
            decided_by=None,
            comment=None,
            answer=None,
            refused=tx.pack_text(refused, "approval.refused", run_id, command.target),
        )
    )
    tx.conn.execute(
        insert(wait).values(
            run_id=run_id, seq=command.target, kind="approval", name=row.name, opened_at=tx.now, fire_at=row.due_at,
            site=command.site,
        )
    )  # fmt: skip


def _take_back(tx: Tx, run_id: str, seq: int) -> None:
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id, wait.c.seq == seq))
    _cancel_activities(tx, run_id, seq)
    _withdraw_approvals(tx, run_id, seq)


def _cancel_activities(tx: Tx, run_id: str, seq: int | None) -> None:
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


def _withdraw_approvals(tx: Tx, run_id: str, seq: int | None) -> None:
    which = [approval.c.run_id == run_id, approval.c.state == "open"]
    which += [] if seq is None else [approval.c.seq == seq]
    tx.conn.execute(update(approval).where(*which).values(state="withdrawn"))


def _close(tx: Tx, run_id: str, status: RunStatus, result: bytes | None) -> None:
    tx.conn.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(
            status=status.value, closed_at=tx.now, task_state=TaskState.IDLE.value, result=result
        )
    )
    close_items(tx, run_id)


def close_items(tx: Tx, run_id: str) -> None:
    """Take back everything that a run which has ended was waiting for."""
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id))
    _cancel_activities(tx, run_id, None)
    _withdraw_approvals(tx, run_id, None)


def mark_condition(tx: Tx, run_id: str, site: str | None) -> None:
    """Record the wait of a run that asked for nothing, or remove that record when `site` is None."""
    known = tx.conn.execute(
        select(wait.c.site).where(wait.c.run_id == run_id, wait.c.seq == _CONDITION)
    ).scalar()
    if known == site:
        return
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id, wait.c.seq == _CONDITION))
    if site is not None:
        tx.conn.execute(
            insert(wait).values(
                run_id=run_id,
                seq=_CONDITION,
                kind="condition",
                name="",
                opened_at=tx.now,
                fire_at=None,
                site=site,
            )
        )
