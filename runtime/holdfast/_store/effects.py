"""What each command asks of the database, in the transaction that records it."""

from sqlalchemy import delete, insert, select, update

from holdfast._store import compensations
from holdfast._store.closing import cancel_activities, close, withdraw_approvals
from holdfast._store.database import Tx
from holdfast._store.scheduling import insert_activity
from holdfast._store.tables import approval, wait
from holdfast._store.tables import command as command_table
from holdfast.codec import pack
from holdfast.history import (
    CancelCommand,
    CancelRun,
    Command,
    CompleteRun,
    FailRun,
    RecordPatch,
    RegisterCompensation,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    ScheduleActivity,
    StartTimer,
    body_of,
    name_of,
)
from holdfast.runs import RunStatus

_CONDITION = 0  # commands count from 1, so 0 is free for the wait that no command explains


def apply_command(  # noqa: C901, PLR0912 - one line per kind
    tx: Tx, run_id: str, turn: int, command: Command, *, queue: str, at: int
) -> None:
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
        case StartTimer():
            _wait(tx, run_id, command, name="", fire_at=at + command.ms)
        case RequestApproval():
            _ask(tx, run_id, command, at)
        case CancelCommand():
            _take_back(tx, run_id, command.target)
        case ReopenApproval():
            _ask_again(tx, run_id, command)
        case RegisterCompensation():
            compensations.register(tx, run_id, command)
        case RunCompensation():
            compensations.start(tx, run_id, command.target, seq=command.seq, queue=queue)
        case CompleteRun():
            close(tx, run_id, RunStatus.COMPLETED, pack(command.result))
        case FailRun():
            close(tx, run_id, RunStatus.FAILED, pack(body_of(command)["failure"]))
        case CancelRun():
            undone = compensations.report(tx, run_id)
            result = pack({"reason": "", "compensations": undone}) if undone else None
            close(tx, run_id, RunStatus.CANCELLED, result)
        case RecordPatch():
            pass  # the record is all there is


def _schedule(tx: Tx, run_id: str, command: ScheduleActivity, queue: str) -> None:
    insert_activity(
        tx, run_id=run_id, seq=command.seq, name=command.name, args=command.args, options=command.options,
        queue=queue, site=command.site,
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
            run_id=run_id, seq=command.seq, name=command.name, ask=command.ask, asked=pack(list(command.to)),
            schema=pack(command.schema), state="open", opened_at=tx.now, due_at=due_at,
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
            refused=refused,
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
    cancel_activities(tx, run_id, seq)
    compensations.drop(tx, run_id, seq)
    withdraw_approvals(tx, run_id, seq)


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
