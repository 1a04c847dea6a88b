"""What each command asks of the database, in the transaction that records it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, insert, select

from holdfast._store import approvals, compensations
from holdfast._store.attributes import publish, store_attributes
from holdfast._store.children import continue_as_new, start_child
from holdfast._store.closing import cancel_activities
from holdfast._store.database import Tx
from holdfast._store.ending import cancel_child, close_run
from holdfast._store.messages import answer_update, deliver
from holdfast._store.rows import lock_runs, relatives
from holdfast._store.scheduling import insert_activity
from holdfast._store.tables import command as command_table
from holdfast._store.tables import wait
from holdfast.history import (
    CLOSINGS,
    AnswerUpdate,
    CancelCommand,
    CancelRun,
    Command,
    CompleteRun,
    ContinueAsNew,
    EscalateApproval,
    FailRun,
    Json,
    PublishValue,
    RecordPatch,
    RefuseUpdate,
    RegisterCompensation,
    RemindApproval,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    ScheduleActivity,
    SendSignal,
    SetAttributes,
    StartChild,
    StartTimer,
    body_of,
    name_of,
)
from holdfast.runs import Parked, RunStatus


def lock_concerned(tx: Tx, run_id: str, commands: Iterable[Command]) -> None:
    """Lock a run together with the others that its commands change."""
    if not tx.locks:
        return
    found = {run_id}
    for command in commands:
        if isinstance(command, SendSignal):
            found.add(command.target)
        elif isinstance(command, (*CLOSINGS, CancelCommand)):
            found |= relatives(tx, run_id)
    if len(found) > 1:
        lock_runs(tx, found)


def apply_command(  # noqa: C901, PLR0912 - one line per kind
    tx: Tx, run_id: str, turn: int, command: Command, *, queue: str, at: int
) -> None:
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
            approvals.await_notice(tx, run_id, command)
        case StartTimer():
            _sleep(tx, run_id, command, at)
        case RequestApproval() | RemindApproval() | EscalateApproval() | ReopenApproval():
            approvals.apply(tx, run_id, turn, command, at=at)
        case CancelCommand():
            _take_back(tx, run_id, turn, command.target)
        case RegisterCompensation():
            compensations.register(tx, run_id, command)
        case RunCompensation():
            compensations.start(tx, run_id, command.target, seq=command.seq, queue=queue)
        case CompleteRun():
            close_run(tx, run_id, RunStatus.COMPLETED, command.result)
        case FailRun():
            close_run(tx, run_id, RunStatus.FAILED, body_of(command)["failure"])
        case CancelRun():
            undone = compensations.report(tx, run_id)
            result: Json = {"reason": "", "compensations": undone} if undone else None
            close_run(tx, run_id, RunStatus.CANCELLED, result)
        case PublishValue():
            publish(tx, run_id, turn, command.key, command.value)
        case SetAttributes():
            store_attributes(tx, run_id, command.attributes)
        case AnswerUpdate() | RefuseUpdate():
            answer_update(tx, run_id, command)
        case StartChild():
            start_child(tx, run_id, command, queue)
        case SendSignal():
            deliver(tx, run_id, command)
        case ContinueAsNew():
            continue_as_new(tx, run_id, turn, command)
        case RecordPatch():
            pass  # the record is all there is


def _schedule(tx: Tx, run_id: str, command: ScheduleActivity, queue: str) -> None:
    insert_activity(
        tx, run_id=run_id, seq=command.seq, name=command.name, args=command.args, options=command.options,
        queue=queue, site=command.site,
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
    cancel_child(tx, run_id, seq)
    compensations.drop(tx, run_id, seq)
    approvals.take_back(tx, run_id, turn, seq)


def mark_parked(tx: Tx, run_id: str, parked: Sequence[Parked]) -> None:
    """Record the waits that no command explains, and forget those that are over."""
    columns = (wait.c.seq, wait.c.kind, wait.c.name, wait.c.site)
    known = {
        tuple(row)
        for row in tx.conn.execute(select(*columns).where(wait.c.run_id == run_id, wait.c.seq <= 0))
    }
    # Other code may wait for something else under the same number.
    same = {(item.number, item.kind, item.name, item.site) for item in parked}
    over = {number for number, *_ in known - same}
    if over:
        tx.conn.execute(delete(wait).where(wait.c.run_id == run_id, wait.c.seq.in_(sorted(over))))
    for item in parked:
        if (item.number, item.kind, item.name, item.site) not in known:
            tx.conn.execute(
                insert(wait).values(
                    run_id=run_id, seq=item.number, kind=item.kind,
                    name=_stored_name(tx, run_id, item), opened_at=item.since,
                    due_at=item.deadline, fire_at=None, site=item.site,
                )
            )  # fmt: skip


def _stored_name(tx: Tx, run_id: str, item: Parked) -> str | None:
    """Return the name of a wait as it is stored: ids and names stay plain, what code says in words is sealed."""
    if item.kind != "condition":
        return item.name
    return tx.pack_text(item.name, "wait.name", run_id, item.number)
