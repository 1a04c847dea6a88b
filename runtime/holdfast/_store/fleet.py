"""What the rows of workers say about the fleet."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from holdfast._store.database import Tx
from holdfast._store.tables import worker
from holdfast.health import Thresholds
from holdfast.payloads import from_bytes


def queues_of(row: Any) -> tuple[str, ...]:
    """Return the queues that a worker serves; the first release wrote only one."""
    return (row.queue,) if row.queues is None else tuple(from_bytes(row.queues))


def patches_of(row: Any) -> dict[str, list[str]]:
    """Return the ids of the patches that a worker knows, by workflow; the first release wrote none."""
    return {} if row.patches is None else dict(from_bytes(row.patches))


def active_patches(
    tx: Tx, *, queue: str, fingerprints: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Return by workflow which patches all live workers of a queue know whose code differs from `fingerprints`.

    A workflow of which the queue knows only this code is left out: nothing holds its patches back.
    """
    columns = worker.c.queue, worker.c.queues, worker.c.workflows, worker.c.patches
    alive = worker.c.seen_at > tx.now - Thresholds().worker_dead
    rows = tx.conn.execute(select(*columns).where(worker.c.stopped_at.is_(None), alive).distinct())
    active: dict[str, frozenset[str]] = {}
    for row in rows:
        if queue not in queues_of(row):
            continue
        known = patches_of(row)
        for name, code in from_bytes(row.workflows).items():
            if code != fingerprints.get(name, code):
                others = frozenset(known.get(name, ()))
                active[name] = active.get(name, others) & others
    return active
