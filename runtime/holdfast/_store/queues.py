"""Verbs by which people limit, pause and look at queues and named limits."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdfast._store import throttle
from holdfast._store.database import Tx
from holdfast._store.fleet import queues_of
from holdfast._store.ordering import by_number
from holdfast._store.tables import activity, key_limit, queue, run, worker
from holdfast.errors import UsageError
from holdfast.limits import LimitState, QueueState
from holdfast.runs import ActivityState, TaskState


def set_queue(tx: Tx, name: str, values: Mapping[str, object]) -> None:
    """Change columns of the row of a queue, which is made when there is none."""
    if tx.conn.execute(select(queue.c.name).where(queue.c.name == name)).first() is None:
        with contextlib.suppress(IntegrityError), tx.conn.begin_nested():  # then it is there
            tx.conn.execute(insert(queue).values(name=name, full_at=0.0))
    if values:
        tx.conn.execute(update(queue).where(queue.c.name == name).values(**values))


def pause(tx: Tx, name: str, *, by: str, reason: str) -> None:
    """Let nothing further of a queue begin."""
    why = tx.pack_text(reason, "queue.pause_reason", name)
    set_queue(tx, name, {"paused_at": tx.now, "paused_by": by, "pause_reason": why})


def resume(tx: Tx, name: str) -> None:
    """Let the work of a paused queue begin again."""
    done = tx.conn.execute(
        update(queue)
        .where(queue.c.name == name, queue.c.paused_at.is_not(None))
        .values(paused_at=None, paused_by=None, pause_reason=None)
    )
    if done.rowcount != 1:
        raise UsageError(f"Queue {name!r} is not paused; nothing was changed.")


def states(tx: Tx) -> list[QueueState]:
    """Return the queues that are limited, served or used by open runs, by name."""
    rows = {row.name: row for row in tx.conn.execute(select(queue))}
    tasks, ready = _counts(tx)
    waiting = _ready_activities(tx)
    served = (
        name
        for w in tx.conn.execute(
            select(worker.c.queue, worker.c.queues).where(worker.c.stopped_at.is_(None))
        )
        for name in queues_of(w)
    )
    names = sorted({*rows, *served, *tasks, *ready, *waiting})
    return [
        replace(
            _state(tx, name, rows.get(name)),
            running_activities=throttle.running_activities(tx, name),
            running_tasks=tasks[name],
            ready_tasks=ready[name],
            ready_activities=waiting[name],
        )
        for name in names
    ]


def _state(tx: Tx, name: str, row: Any) -> QueueState:
    if row is None:
        return QueueState(name=name)
    rate = throttle.rate_of(row)
    return QueueState(
        name=name, max_activities=row.max_activities, max_tasks=row.max_tasks, rate=rate,
        free_at=None if rate is None else rate.free_at(row.full_at), paused_at=row.paused_at,
        paused_by=row.paused_by, pause_reason=tx.show_text(row.pause_reason, "queue.pause_reason", name),
    )  # fmt: skip


def _counts(tx: Tx) -> tuple[Counter[str], Counter[str]]:
    leased, ready = Counter[str](), Counter[str]()
    query = select(run.c.queue, run.c.task_state, func.count()).where(run.c.closed_at.is_(None))
    for name, state, count in tx.conn.execute(query.group_by(run.c.queue, run.c.task_state)):
        if state == TaskState.LEASED.value:
            leased[name] += count
        ready[name] += count if state == TaskState.READY.value else 0
    return leased, ready


def _ready_activities(tx: Tx) -> Counter[str]:
    due = activity.c.state.in_([ActivityState.READY.value, ActivityState.BACKOFF.value])
    query = select(activity.c.queue, func.count()).where(
        activity.c.closed_at.is_(None), due, activity.c.visible_at <= tx.now
    )
    counted = tx.conn.execute(query.group_by(activity.c.queue))
    return Counter({str(name): int(count) for name, count in counted})


def set_limit(tx: Tx, name: str, values: Mapping[str, object]) -> None:
    """Set a named limit by hand; what is not among `values` stays."""
    if tx.conn.execute(select(key_limit.c.name).where(key_limit.c.name == name)).first() is None:
        throttle.add_key(tx, name)
    tx.conn.execute(
        update(key_limit).where(key_limit.c.name == name).values(by_hand=True, **values)
    )


def reset_limit(tx: Tx, name: str) -> None:
    """Let a named limit be what the code says again."""
    done = tx.conn.execute(
        update(key_limit)
        .where(key_limit.c.name == name, key_limit.c.by_hand)
        .values(by_hand=False, at_once=None, **throttle.rate_columns(None))
    )
    if done.rowcount != 1:
        raise UsageError(f"Limit {name!r} was not set by hand; nothing was changed.")


def limit_states(tx: Tx) -> list[LimitState]:
    """Return the named limits that were set by hand or used, by name."""
    rows = tx.conn.execute(select(key_limit).order_by(by_number(key_limit.c.name))).all()
    running = throttle.running_by_key(tx, [row.name for row in rows])
    return [
        LimitState(
            name=row.name, by_hand=bool(row.by_hand), at_once=row.at_once, rate=throttle.rate_of(row),
            running=running.get(row.name, 0),
        )
        for row in rows
    ]  # fmt: skip


class Holds:
    """Find what holds due work back, for the evidence of runs; each limit is looked up once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._queues: dict[str, Any] | None = None
        self._keys: dict[str, Any] = {}
        self._used: dict[str, tuple[int, tuple[str, ...]]] = {}

    def of_task(self, row: Any) -> dict[str, Any] | None:
        """Return what holds back the workflow task of a run, or None."""
        if row.task_state != TaskState.READY.value or row.task_visible_at > self._tx.now:
            return None
        found = self._queue(row.queue)
        if found is None or found.paused_at is not None:
            return None if found is None else _paused(self._tx, found)
        used = 0 if found.max_tasks is None else throttle.running_tasks(self._tx, row.queue)
        if found.max_tasks is None or used < found.max_tasks:
            return None
        return {
            "kind": "concurrency", "limit": f"queue {row.queue}", "allowed": str(found.max_tasks), "used": used,
        }  # fmt: skip

    def of_activity(self, row: Any) -> dict[str, Any] | None:
        """Return what holds back an activity, or None."""
        waits = (ActivityState.READY.value, ActivityState.BACKOFF.value)
        if row.state not in waits or row.visible_at > self._tx.now:
            return None
        found = self._queue(row.queue)
        if found is not None:
            held = (
                _paused(self._tx, found) if found.paused_at is not None else self._by_queue(found)
            )
            if held is not None:
                return held
        return None if row.limit_name is None else self._by_key(row)

    def _by_queue(self, found: Any) -> dict[str, Any] | None:
        mine = activity.c.queue == found.name
        name = f"queue {found.name}"
        held = self._full(name, found.max_activities, mine)
        return held or _awaits_rate(name, throttle.rate_of(found), found.full_at, self._tx.now)

    def _by_key(self, row: Any) -> dict[str, Any] | None:
        name = row.limit_name
        if name not in self._keys:
            query = select(key_limit).where(key_limit.c.name == name)
            self._keys[name] = self._tx.conn.execute(query).first()
        found = self._keys[name]
        limit = throttle.in_force(found, row)
        held = self._full(name, limit.at_once, activity.c.limit_name == name)
        full_at = 0.0 if found is None else found.full_at
        return held or _awaits_rate(name, limit.rate, full_at, self._tx.now)

    def _full(self, name: str, allowed: int | None, mine: Any) -> dict[str, Any] | None:
        if allowed is None:
            return None
        if name not in self._used:
            count = self._tx.conn.execute(
                select(func.count()).where(activity.c.lease_owner.is_not(None), mine)
            ).scalar_one()
            self._used[name] = (count, tuple(throttle.holders(self._tx, mine)))
        used, holders = self._used[name]
        if used < allowed:
            return None
        return {
            "kind": "concurrency", "limit": name, "allowed": str(allowed), "used": used, "holders": holders,
        }  # fmt: skip

    def _queue(self, name: str) -> Any:
        if self._queues is None:
            self._queues = {row.name: row for row in self._tx.conn.execute(select(queue))}
        return self._queues.get(name)


def all_held(tx: Tx, names: Sequence[str]) -> bool:
    """Tell whether activities of some queues are due, and limits hold back each of them."""
    due = select(activity).where(
        activity.c.closed_at.is_(None),
        activity.c.queue.in_(names),
        activity.c.state.in_([ActivityState.READY.value, ActivityState.BACKOFF.value]),
        activity.c.visible_at <= tx.now,
    )
    holds, rows = Holds(tx), tx.conn.execute(due).all()
    return bool(rows) and all(holds.of_activity(row) is not None for row in rows)


def _paused(tx: Tx, row: Any) -> dict[str, Any]:
    return {
        "kind": "paused", "limit": f"queue {row.name}", "since": row.paused_at, "by": row.paused_by or "",
        "reason": tx.show_text(row.pause_reason, "queue.pause_reason", row.name) or "",
    }  # fmt: skip


def _awaits_rate(name: str, rate: Any, full_at: float, now: int) -> dict[str, Any] | None:
    if rate is None or rate.room(full_at, now):
        return None
    return {"kind": "rate", "limit": name, "allowed": str(rate), "free_at": rate.free_at(full_at)}
