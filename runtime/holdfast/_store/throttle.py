"""What holds work back although it is due: limits of queues and of named keys, checked where a claim is made.

The rows of the limits are locked before anything is counted, so that two workers never both take the last place.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdfast._store.database import Tx
from holdfast._store.ordering import by_number
from holdfast._store.tables import activity, key_limit, queue, run
from holdfast.limits import Limit, Rate
from holdfast.payloads import from_bytes
from holdfast.runs import TaskState


def rate_of(row: Any) -> Rate | None:
    """Return the rate that a row holds."""
    if row.rate_count is None:
        return None
    tree = {"count": row.rate_count, "per_ms": row.rate_per_ms, "burst": row.rate_burst}
    return Rate.from_json(tree)


def rate_columns(rate: Rate | None) -> dict[str, object]:
    """Return the columns that hold a rate."""
    tree = {} if rate is None else rate.to_json()
    return {f"rate_{name}": tree.get(name) for name in ("count", "per_ms", "burst")}


class Gate:
    """Be the limits of one queue within a transaction that claims from it."""

    def __init__(self, tx: Tx, row: Any) -> None:
        self._tx = tx
        self._row = row
        self._rate = rate_of(row)

    @property
    def is_paused(self) -> bool:
        """Tell whether nothing of the queue may begin."""
        return self._row.paused_at is not None

    def tasks(self, wanted: int) -> int:
        """Return how many runs may be leased now."""
        if self._row.max_tasks is None:
            return wanted
        left: int = self._row.max_tasks - running_tasks(self._tx, self._row.name)
        return max(0, min(wanted, left))

    def activities(self, wanted: int) -> int:
        """Return how many attempts may begin now."""
        if self._row.max_activities is not None:
            wanted = min(
                wanted,
                self._row.max_activities - running_activities(self._tx, self._row.name),
            )
        if self._rate is not None:
            wanted = min(wanted, self._rate.room(self._row.full_at, self._tx.now))
        return max(0, wanted)

    def begun(self, count: int) -> None:
        """Take in that so many attempts have begun."""
        if self._rate is not None and count:
            full_at = self._rate.after(self._row.full_at, self._tx.now, count)
            self._tx.conn.execute(
                update(queue).where(queue.c.name == self._row.name).values(full_at=full_at)
            )


def gates(tx: Tx, names: Iterable[str]) -> dict[str, Gate]:
    """Return the gates of those queues that somebody has limited or paused, locked."""
    rows = tx.conn.execute(
        select(queue).where(queue.c.name.in_(list(names))).order_by(queue.c.name).with_for_update()
    )
    return {row.name: Gate(tx, row) for row in rows}


def running_tasks(tx: Tx, name: str) -> int:
    """Return how many runs of a queue are being advanced."""
    count: int = tx.conn.execute(
        select(func.count()).where(
            run.c.closed_at.is_(None),
            run.c.queue == name,
            run.c.task_state == TaskState.LEASED.value,
            run.c.lease_until >= tx.now,
        )
    ).scalar_one()
    return count


def running_activities(tx: Tx, name: str) -> int:
    """Return how many attempts of a queue run."""
    count: int = tx.conn.execute(
        select(func.count()).where(activity.c.queue == name, activity.c.lease_owner.is_not(None))
    ).scalar_one()
    return count


class Keys:
    """Be the named limits of some due activities within a transaction that claims them."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._rows: dict[str, Any] = {}
        self._running: dict[str, int] = {}
        self._full_at: dict[str, float] = {}
        self.full: set[str] = set()

    def know(self, due: Sequence[Any]) -> None:
        """Lock the limits of activities that were found due, and count what runs under them."""
        names = sorted({row.limit_name for row in due if row.limit_name} - self._rows.keys())
        if names:
            self._tx.tell()  # to those who find them locked
            rows = _locked(self._tx, names)
            # Another worker is claiming under these now: what it leaves to be had, it tells of when it commits.
            self.full.update(name for name in names if name not in rows)
            self._rows.update(rows)
            self._running.update(running_by_key(self._tx, names))
            self._full_at.update({name: row.full_at for name, row in rows.items()})

    def lets(self, row: Any) -> bool:
        """Tell whether an activity may begin; one that may not closes its key for those behind it."""
        name = row.limit_name
        if name is None:
            return True
        if name in self.full:
            return False
        limit = in_force(self._rows[name], row)
        held = limit.at_once is not None and self._running.get(name, 0) >= limit.at_once
        if held or (limit.rate and not limit.rate.room(self._full_at[name], self._tx.now)):
            self.full.add(name)
            return False
        return True

    def begun(self, row: Any) -> None:
        """Take in that an activity has begun."""
        name = row.limit_name
        if name is None:
            return
        self._running[name] = self._running.get(name, 0) + 1
        rate = in_force(self._rows[name], row).rate
        if rate is not None:
            self._full_at[name] = rate.after(self._full_at[name], self._tx.now, 1)
            free_at = rate.free_at(self._full_at[name])
            self._tx.conn.execute(
                update(key_limit)
                .where(key_limit.c.name == name)
                .values(full_at=self._full_at[name], free_at=free_at)
            )

    def none_full(self) -> list[ColumnElement[bool]]:
        """Return the condition that leaves out what the limits are known to hold back."""
        if not self.full:
            return []
        named = activity.c.limit_name
        return [named.is_(None) | named.not_in(sorted(self.full))]


def in_force(row: Any, due: Any) -> Limit:
    """Return the limit that counts for an activity: one set by hand, else that of its own options."""
    if row is not None and row.by_hand:
        return Limit(row.name, row.at_once or _NO_LIMIT, rate_of(row))
    return Limit.from_json(from_bytes(due.options)["limit"])


_NO_LIMIT = 2**31 - 1


def _locked(tx: Tx, names: Sequence[str]) -> dict[str, Any]:
    query = select(key_limit).where(key_limit.c.name.in_(names)).order_by(key_limit.c.name)
    there = {row.name for row in tx.conn.execute(query)}
    for name in names:
        if name not in there:
            add_key(tx, name)
    return {row.name: row for row in tx.conn.execute(query.with_for_update(skip_locked=True))}


def add_key(tx: Tx, name: str) -> None:
    """Insert the row of a named limit, unless another worker has just done so."""
    with contextlib.suppress(IntegrityError), tx.conn.begin_nested():  # then it is there
        tx.conn.execute(insert(key_limit).values(name=name, by_hand=False, full_at=0.0))


def running_by_key(tx: Tx, names: Sequence[str]) -> dict[str, int]:
    """Return how many attempts run under each of some named limits."""
    query = select(activity.c.limit_name, func.count()).where(
        activity.c.lease_owner.is_not(None), activity.c.limit_name.in_(names)
    )
    counted = tx.conn.execute(query.group_by(activity.c.limit_name))
    return {str(name): int(count) for name, count in counted}


def next_free(tx: Tx, *, queues: Sequence[str], after: int) -> int | None:
    """Return when the next rate lets something start, later than `after` and than now, in milliseconds, or None."""
    after = max(after, tx.now)
    rows = tx.conn.execute(
        select(queue).where(queue.c.name.in_(list(queues)), queue.c.rate_count.is_not(None))
    )
    frees = [rate.free_at(row.full_at) for row in rows if (rate := rate_of(row)) is not None]
    keys: int | None = tx.conn.execute(
        select(func.min(key_limit.c.free_at)).where(key_limit.c.free_at > after)
    ).scalar()
    later = [at for at in (*frees, *([] if keys is None else [keys])) if at > after]
    return min(later, default=None)


def holders(tx: Tx, *conditions: ColumnElement[bool], limit: int = 5) -> Mapping[str, None]:
    """Return some runs whose activities run under a condition, in order."""
    query = select(activity.c.run_id).where(activity.c.lease_owner.is_not(None), *conditions)
    query = query.group_by(activity.c.run_id).order_by(by_number(activity.c.run_id)).limit(limit)
    found = tx.conn.execute(query)
    return dict.fromkeys(found.scalars())
