"""What each command asks of the database, in the transaction that records it."""

from sqlalchemy import delete, insert, select

from holdfast._store import approvals
from holdfast._store.closing import cancel_activities, close
from holdfast._store.database import Tx
from holdfast._store.tables import activity, wait
from holdfast._store.tables import command as command_table
from holdfast.codec import pack
from holdfast.history import (
    CancelCommand,
    CancelRun,
    Command,
    CompleteRun,
    EscalateApproval,
    FailRun,
    RecordPatch,
    RemindApproval,
    ReopenApproval,
    RequestApproval,
    ScheduleActivity,
    StartTimer,
    body_of,
    name_of,
)
from holdfast.runs import ActivityState, RunStatus

_CONDITION = 0  # commands count from 1, so 0 is free for the wait that no command explains


def apply_command(tx: Tx, run_id: str, turn: int, command: Command, *, queue: str, at: int) -> None:
    """Record one command and do what it asks for; `at` is the time of the event that it answers."""
    tx.conn.execute(
        insert(command_table).values(
            run_id=run_id, seq=command.seq, turn=turn, kind=command.kind, name=name_of(command), site=command.site,
            body=pack(body_of(command)),
        )
    )  # fmt: skip
    match command:
        case ScheduleActivity():
            _schedule(tx, run_id, command, queue)
            approvals.await_notice(tx, run_id, command)
        case StartTimer():
            _sleep(tx, run_id, command, at)
        case RequestApproval() | RemindApproval() | EscalateApproval() | ReopenApproval():
            approvals.apply(tx, run_id, turn, command, at=at)
        case CancelCommand():
            _take_back(tx, run_id, turn, command.target)
        case CompleteRun():
            close(tx, run_id, RunStatus.COMPLETED, pack(command.result))
        case FailRun():
            close(tx, run_id, RunStatus.FAILED, pack(body_of(command)["failure"]))
        case CancelRun():
            close(tx, run_id, RunStatus.CANCELLED, None)
        case RecordPatch():
            pass  # the record is all there is


def _schedule(tx: Tx, run_id: str, command: ScheduleActivity, queue: str) -> None:
    tx.conn.execute(
        insert(activity).values(
            run_id=run_id, seq=command.seq, name=command.name, queue=command.options.get("queue") or queue,
            state=ActivityState.READY.value, site=command.site, args=pack(command.args), options=pack(command.options),
            max_attempts=command.options.get("max_attempts"), attempt=0, scheduled_at=tx.now, visible_at=tx.now,
            lease_epoch=0, same_error=0,
        )
    )  # fmt: skip


def _sleep(tx: Tx, run_id: str, command: StartTimer, at: int) -> None:
    tx.conn.execute(
        insert(wait).values(
            run_id=run_id, seq=command.seq, kind="timer", name="", opened_at=tx.now, fire_at=at + command.ms,
            site=command.site,
        )
    )  # fmt: skip


def _take_back(tx: Tx, run_id: str, turn: int, seq: int) -> None:
    tx.conn.execute(delete(wait).where(wait.c.run_id == run_id, wait.c.seq == seq))
    cancel_activities(tx, run_id, seq)
    approvals.take_back(tx, run_id, turn, seq)


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
