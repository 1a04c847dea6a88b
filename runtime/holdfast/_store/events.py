"""Verbs that put events into a run from outside: those that are given, and timers that are due."""

from collections.abc import Mapping

from sqlalchemy import case, delete, func, insert, select, update

from holdfast._store.database import Tx
from holdfast._store.rows import try_lock_run
from holdfast._store.tables import approval, inbound, run, wait
from holdfast.history import Json
from holdfast.runs import TaskState


def append_event(tx: Tx, run_id: str, kind: str, body: Mapping[str, Json]) -> int | None:
    """Commit an inbound event, which fixes its place in the order, and return its turn; None for a closed run."""
    idle = run.c.task_state == TaskState.IDLE.value
    row = tx.conn.execute(
        update(run)
        .where(run.c.id == run_id, run.c.closed_at.is_(None), run.c.ending.is_(None))
        .values(
            inbound_count=run.c.inbound_count + 1,
            event_at=case((run.c.event_at > tx.now, run.c.event_at), else_=tx.now),
            task_state=case((idle, TaskState.READY.value), else_=run.c.task_state),
            task_visible_at=case((idle, tx.now), else_=run.c.task_visible_at),
        )
        .returning(run.c.inbound_count, run.c.event_at)
    ).first()
    if row is None:
        return None
    packed = tx.pack(dict(body), "inbound.body", run_id, row.inbound_count)
    tx.conn.execute(
        insert(inbound).values(
            run_id=run_id, turn=row.inbound_count, at=row.event_at, kind=kind, body=packed
        )
    )
    return int(row.inbound_count)


def fire_due(tx: Tx, *, limit: int) -> int:
    """Turn waits whose time has come into events, oldest first, and return how many."""
    due = tx.conn.execute(
        select(wait.c.run_id, wait.c.seq, wait.c.kind)
        .where(wait.c.fire_at <= tx.now)
        .order_by(wait.c.fire_at, wait.c.run_id, wait.c.seq)
        .limit(limit)
    ).all()
    fired = 0
    for row in due:
        if not try_lock_run(tx, row.run_id):
            continue  # whoever changes it now rings when that is done
        taken = tx.conn.execute(
            delete(wait).where(wait.c.run_id == row.run_id, wait.c.seq == row.seq)
        )
        if taken.rowcount != 1:
            continue  # another worker was quicker
        if row.kind == "approval":
            tx.conn.execute(
                update(approval)
                .where(approval.c.run_id == row.run_id, approval.c.seq == row.seq)
                .values(state="expired", decided_at=tx.now)
            )
        kind = "approval_expired" if row.kind == "approval" else "timer_fired"
        append_event(tx, row.run_id, kind, {"seq": row.seq})
        fired += 1
    return fired


def next_wait_due(tx: Tx, *, after: int = -1) -> int | None:
    """Return when the next wait later than `after` is due, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(wait.c.fire_at)).where(wait.c.fire_at > after)
    ).scalar()
    return due
