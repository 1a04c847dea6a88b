"""Time limits of activities, enforced by the database's clock: they hold when no worker lives, or when one hangs."""

import contextlib
import random
from typing import Any

from sqlalchemy import Row, func, select

from holdfast._store import attempts
from holdfast._store.database import Tx
from holdfast._store.rows import try_lock_run
from holdfast._store.scheduling import GRACE_MS, leased_deadline, running_limit_ms
from holdfast._store.tables import activity
from holdfast.errors import PayloadError
from holdfast.health import LOST
from holdfast.history import Failure
from holdfast.payloads import from_bytes
from holdfast.retry import retry_of
from holdfast.runs import ActivityState

TOO_LATE = "ScheduleToStartTimeout"
SILENT = "HeartbeatTimeout"
TOO_LONG = "TimeoutError"
_TIMEOUT_KINDS = ("builtins.TimeoutError", "builtins.OSError", "builtins.Exception")


def enforce(tx: Tx, *, limit: int) -> int:
    """End what has reached a time limit, the earliest first, and return how much that was."""
    reached = (activity.c.closed_at.is_(None), activity.c.deadline_at <= tx.now)
    found = tx.conn.execute(
        select(activity.c.run_id, activity.c.seq)
        .where(*reached)
        .order_by(activity.c.deadline_at, activity.c.run_id, activity.c.seq)
        .limit(limit)
    ).all()
    ended = 0
    for run_id, seq in found:
        if not try_lock_run(tx, run_id):
            continue  # whoever changes it now rings when that is done
        query = select(activity).where(activity.c.run_id == run_id, activity.c.seq == seq, *reached)
        row = tx.conn.execute(query.with_for_update()).first()
        if row is None:
            continue
        # What follows may need a payload, say a compensation's arguments, that only a process with other keys can read.
        with contextlib.suppress(PayloadError), tx.conn.begin_nested():
            _enforce_one(tx, row)
            ended += 1
    return ended


def next_limit(tx: Tx, *, after: int = -1) -> int | None:
    """Return when the next time limit later than `after` is reached, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(activity.c.deadline_at)).where(
            activity.c.closed_at.is_(None), activity.c.deadline_at > after
        )
    ).scalar()
    return due


def _enforce_one(tx: Tx, row: Row[Any]) -> None:
    options = from_bytes(row.options)
    if row.state != ActivityState.LEASED.value:
        attempts.fail(tx, row, _never_started(tx, row, options))
    elif row.probe:
        attempts.cannot_tell(tx, row, _probe_ended(row), again=True)
    else:
        _end_attempt(tx, row, options)


def _never_started(tx: Tx, row: Row[Any], options: dict[str, Any]) -> Failure:
    if row.expires_at is not None and row.expires_at <= tx.now:
        return _expired(tx, row, options)
    waited = options.get("schedule_to_start_ms", 0) / 1000
    return Failure(
        type=TOO_LATE,
        message=f"no worker on queue {row.queue!r} took it within {waited:g} s{_last(tx, row)}",
        attempts=row.attempt,
    )


def _expired(tx: Tx, row: Row[Any], options: dict[str, Any]) -> Failure:
    total = options.get("schedule_to_close_ms", 0) / 1000
    return Failure(
        type=attempts.EXPIRED, message=f"no result within {total:g} s of its scheduling{_last(tx, row)}", attempts=row.attempt,
    )  # fmt: skip


def _last(tx: Tx, row: Row[Any]) -> str:
    return f"; last {row.error_type}: {attempts.error_message(tx, row)}" if row.error_type else ""


def _probe_ended(row: Row[Any]) -> str:
    return f"worker {row.lease_owner} did not finish the probe"


def _end_attempt(tx: Tx, row: Row[Any], options: dict[str, Any]) -> None:
    """Take the attempt away from its worker: what it brings later is refused."""
    if row.expires_at is not None and row.expires_at <= tx.now:
        attempts.follow(tx, row, _expired(tx, row, options), retry_in_ms=None, unknown=True)
        return
    failure = _reached(row, options, tx.now)
    policy = retry_of(options)
    lost = failure.type == LOST
    kinds = () if lost else _TIMEOUT_KINDS
    pause = 0 if lost else policy.delay_ms(row.attempt, draw=random.random())  # noqa: S311 - spreads load
    ends = policy.gives_up(row.attempt, failure.type, kinds)
    attempts.follow(tx, row, failure, retry_in_ms=None if ends else pause, unknown=True)


def _reached(row: Row[Any], options: dict[str, Any], now: int) -> Failure:
    takes = running_limit_ms(options, probe=False)
    silent = options.get("heartbeat_ms")
    limits = [(row.lease_until, LOST, f"worker {row.lease_owner} stopped during the attempt")]
    if takes is not None:
        limits.append((row.started_at + takes + GRACE_MS, TOO_LONG, f"no result within {takes / 1000:g} s"))  # fmt: skip
    if silent is not None:
        last = max(row.started_at, row.beat_at or 0)
        limits.append((last + silent, SILENT, f"no heartbeat within {silent / 1000:g} s"))
    _, kind, message = min(found for found in limits if found[0] <= now)
    return Failure(type=kind, message=message, attempts=row.attempt)


def deadline_of(row: Row[Any], *, lease_until: int, beat_at: int | None) -> int:
    """Return when the next limit of a running attempt is reached, after a sign of life."""
    return leased_deadline(
        from_bytes(row.options), lease_until=lease_until, started_at=row.started_at, beat_at=beat_at,
        expires_at=row.expires_at, probe=row.probe,
    )  # fmt: skip
