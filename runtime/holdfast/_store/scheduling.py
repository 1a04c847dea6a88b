"""Inserting an activity, and when the next of its time limits is reached."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select

from holdfast._store.database import Tx
from holdfast._store.tables import activity, run
from holdfast.history import Json
from holdfast.payloads import to_bytes
from holdfast.runs import ActivityState

GRACE_MS = 1_000
"""How long the database waits for the worker's own verdict on an attempt that takes too long."""

PROBE_MS = 60_000
"""How long one call of a probe may take when the activity has no `timeout`."""


def insert_activity(  # noqa: PLR0913 - one row
    tx: Tx,
    *,
    run_id: str,
    seq: int,
    name: str,
    args: list[Json],
    options: Mapping[str, Any],
    queue: str,
    site: str,
    key_seq: int | None = None,
) -> None:
    """Schedule an activity with all its limits; `queue` is that of the run, which the options may override.

    A negative `seq` belongs to no command. `key_seq` is the command whose idempotency key it uses, if not its own.
    """
    lasts = options.get("schedule_to_close_ms")
    expires_at = None if lasts is None else tx.now + lasts
    start_by = start_limit(options, due_at=tx.now)
    own = select(run.c.priority).where(run.c.id == run_id).scalar_subquery()
    limit = options.get("limit")
    tx.conn.execute(
        insert(activity).values(
            run_id=run_id, seq=seq, name=name, queue=options.get("queue") or queue, state=ActivityState.READY.value,
            site=site, args=tx.pack(args, "activity.args", run_id, seq), options=to_bytes(dict(options)),
            max_attempts=options.get("max_attempts"),
            attempt=0, scheduled_at=tx.now, visible_at=tx.now, lease_epoch=0, same_error=0, key_seq=key_seq,
            effect=options.get("effect", "idempotent"), start_by=start_by, expires_at=expires_at,
            heartbeat_ms=options.get("heartbeat_ms"), deadline_at=earliest(start_by, expires_at),
            priority=options.get("priority") or own, limit_name=None if limit is None else limit["name"],
        )
    )  # fmt: skip


def start_limit(options: Mapping[str, Any], *, due_at: int) -> int | None:
    """Return until when an attempt that is due at `due_at` must have been started, or None."""
    wait_ms = options.get("schedule_to_start_ms")
    return None if wait_ms is None else due_at + wait_ms


def running_limit_ms(options: Mapping[str, Any], *, probe: bool) -> int | None:
    """Return how long one attempt, or one call of the probe, may take; None means as long as its worker lives."""
    limit: int | None = options.get("timeout_ms")
    return PROBE_MS if probe and limit is None else limit


def leased_deadline(
    options: Mapping[str, Any],
    *,
    lease_until: int,
    started_at: int,
    beat_at: int | None,
    expires_at: int | None,
    probe: bool,
) -> int:
    """Return when the next limit of an attempt is reached that a worker has begun."""
    takes = running_limit_ms(options, probe=probe)
    silent = None if probe else options.get("heartbeat_ms")
    return min(
        at
        for at in (
            lease_until,
            None if takes is None else started_at + takes + GRACE_MS,
            None if silent is None else max(started_at, beat_at or 0) + silent,
            None if probe else expires_at,
        )
        if at is not None
    )


def earliest(*instants: int | None) -> int | None:
    """Return the earliest of the instants that there are, or None."""
    return min((at for at in instants if at is not None), default=None)
