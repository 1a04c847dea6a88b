"""Verbs of compensations: what undoes the steps of a run, and what became of it."""

from typing import Any

from sqlalchemy import insert, select, update

from holdfast._store.database import Tx
from holdfast._store.scheduling import insert_activity
from holdfast._store.tables import activity, compensation
from holdfast.history import Json, RegisterCompensation
from holdfast.payloads import from_bytes, to_bytes

REGISTERED, RUNNING, COMPLETED, FAILED, DROPPED, SKIPPED = (
    "registered", "running", "completed", "failed", "dropped", "skipped",
)  # fmt: skip


def register(tx: Tx, run_id: str, command: RegisterCompensation) -> None:
    """Keep an activity that undoes a step."""
    tx.conn.execute(
        insert(compensation).values(
            run_id=run_id, seq=command.seq, name=command.name,
            args=tx.pack(command.args, "compensation.args", run_id, command.seq),
            options=to_bytes(command.options), site=command.site, state=REGISTERED,
        )
    )  # fmt: skip


def start(tx: Tx, run_id: str, target: int, *, seq: int, queue: str) -> None:
    """Schedule the activity of a compensation; its idempotency key is that of the registration."""
    row = tx.conn.execute(select(compensation).where(*_one(run_id, target))).one()
    insert_activity(
        tx, run_id=run_id, seq=seq, name=row.name,
        args=tx.unpack(row.args, "compensation.args", run_id, target), options=from_bytes(row.options), queue=queue, site=row.site, key_seq=target,
    )  # fmt: skip
    _set(tx, run_id, target, RUNNING)


def start_next(tx: Tx, run_id: str, *, queue: str) -> bool:
    """Schedule the compensation that was registered last, without a command of the run; False when none is left."""
    last = tx.conn.execute(
        select(compensation.c.seq)
        .where(compensation.c.run_id == run_id, compensation.c.state == REGISTERED)
        .order_by(compensation.c.seq.desc())
        .limit(1)
    ).scalar()
    if last is None:
        return False
    start(tx, run_id, last, seq=-last, queue=queue)
    return True


def is_running(tx: Tx, run_id: str) -> bool:
    """Tell whether a compensation of the run is being carried out."""
    running = select(compensation.c.seq).where(
        compensation.c.run_id == run_id, compensation.c.state == RUNNING
    )
    return tx.conn.execute(running).first() is not None


def finish(tx: Tx, run_id: str, target: int, *, failed: bool) -> None:
    """Note what became of a compensation."""
    _set(tx, run_id, target, FAILED if failed else COMPLETED)


def drop(tx: Tx, run_id: str, target: int | None = None) -> None:
    """Forget the compensation that command `target` registered, or all that were not carried out."""
    which = [] if target is None else [compensation.c.seq == target]
    _leave(tx, run_id, DROPPED, *which)


def skip_all(tx: Tx, run_id: str) -> None:
    """Leave undone what the run has registered, because whoever ends it wants it so."""
    _leave(tx, run_id, SKIPPED)


def _leave(tx: Tx, run_id: str, state: str, *which: Any) -> None:
    is_open = (compensation.c.run_id == run_id, compensation.c.state.in_([REGISTERED, RUNNING]))
    tx.conn.execute(update(compensation).where(*is_open, *which).values(state=state))


def of_run(tx: Tx, run_id: str) -> list[Any]:
    """Return the compensations of a run, the last first."""
    query = select(compensation).where(compensation.c.run_id == run_id)
    return list(tx.conn.execute(query.order_by(compensation.c.seq.desc())).all())


def _error_of(tx: Tx, run_id: str, seq: int) -> str | None:
    """Return the error that a compensation failed by."""
    a = tx.conn.execute(
        select(activity)
        .where(activity.c.run_id == run_id, activity.c.key_seq == seq, activity.c.state == FAILED)
        .limit(1)
    ).first()
    if a is None:
        return None
    message = tx.show_text(a.error_message, "activity.error_message", run_id, a.seq)
    return f"{a.error_type}: {message}"


def report(tx: Tx, run_id: str) -> list[Json]:
    """Return what became of the compensations of a run, the last first, without those that its code dropped."""
    return [
        {
            "name": row.name,
            "state": row.state,
            "error": _error_of(tx, run_id, row.seq) if row.state == FAILED else None,
        }
        for row in of_run(tx, run_id)
        if row.state != DROPPED
    ]


def _one(run_id: str, seq: int) -> tuple[Any, Any]:
    return compensation.c.run_id == run_id, compensation.c.seq == seq


def _set(tx: Tx, run_id: str, seq: int, state: str) -> None:
    tx.conn.execute(update(compensation).where(*_one(run_id, seq)).values(state=state))
