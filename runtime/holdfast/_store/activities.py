"""Verbs of activities and workers: claim, give back, heartbeat. What becomes of an attempt is in `attempts`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, not_, or_, select, update

from holdfast._store import attempts
from holdfast._store.database import Tx
from holdfast._store.limits import deadline_of
from holdfast._store.records import ActivityClaim, Heartbeat, Lost, RunClaim
from holdfast._store.rows import lock_runs
from holdfast._store.scheduling import leased_deadline
from holdfast._store.tables import activity, run, worker
from holdfast._store.throttle import Keys
from holdfast.errors import LeaseLostError, PayloadError
from holdfast.health import LOST, POISON
from holdfast.history import Failure
from holdfast.payloads import from_bytes
from holdfast.retry import retry_of
from holdfast.runs import PRIORITIES, ActivityState, TaskState

_WAITING = (ActivityState.READY.value, ActivityState.BACKOFF.value)


def claim_activities(
    tx: Tx, *, worker_id: str, queue: str, names: Iterable[str], limit: int, lease_ms: int
) -> list[ActivityClaim]:
    """Lease activities that are due; each claim is a new attempt, or asks the probe of the last, under a new epoch.

    What a limit by name holds back is passed over, and what is behind it is looked at.
    """
    keys, claims, closed = Keys(tx), list[ActivityClaim](), -1
    known = list(names)
    while len(claims) < limit and len(keys.full) > closed:
        closed = len(keys.full)
        left = limit - len(claims)
        claims += _claim(tx, worker_id, queue, known, keys, limit=left, lease_ms=lease_ms)
    return claims


def _claim(  # noqa: PLR0913 - one batch of a claim
    tx: Tx,
    worker_id: str,
    queue: str,
    names: Sequence[str],
    keys: Keys,
    *,
    limit: int,
    lease_ms: int,
) -> list[ActivityClaim]:
    chosen = (
        select(activity, run.c.lineage)
        .join(run, run.c.id == activity.c.run_id)
        .where(
            *_waiting(queue), activity.c.name.in_(names), activity.c.visible_at <= tx.now,
            activity.c.priority.in_(PRIORITIES),  # all there are: so the index gives them in their order
            _not_two_suspects(worker_id), *keys.none_full(),
        )
        .order_by(activity.c.priority, activity.c.visible_at, activity.c.run_id, activity.c.seq)
        .limit(limit)
        .with_for_update(of=activity, skip_locked=True)
    )  # fmt: skip
    claims = []
    suspected = False
    found = tx.conn.execute(chosen).all()
    keys.know(found)
    for row in found:
        if (suspected and _is_suspect(row)) or not keys.lets(row):
            continue
        opened = _opened(tx, row)
        if opened is None:
            continue
        options = opened["options"]
        until = tx.now + lease_ms
        deadline_at = leased_deadline(
            options, lease_until=until, started_at=tx.now, beat_at=None, expires_at=row.expires_at, probe=row.probe
        )  # fmt: skip
        taken = tx.conn.execute(
            update(activity)
            .where(
                activity.c.run_id == row.run_id, activity.c.seq == row.seq,
                activity.c.state.in_(_WAITING), activity.c.lease_epoch == row.lease_epoch,
            )
            .values(
                state=ActivityState.LEASED.value, lease_owner=worker_id, lease_until=until,
                lease_epoch=activity.c.lease_epoch + 1, attempt=row.attempt if row.probe else row.attempt + 1,
                started_at=tx.now, beat_at=None, start_by=None, deadline_at=deadline_at,
            )
            .returning(activity.c.lease_epoch, activity.c.attempt)
        ).first()  # fmt: skip
        if taken is not None:
            suspected = suspected or _is_suspect(row)
            keys.begun(row)
            claims.append(_taken(tx, row, opened, epoch=taken.lease_epoch, attempt=taken.attempt))
    return claims


def _is_suspect(row: Row[Any]) -> bool:
    """Tell whether one more lost worker isolates an activity: then no other such one shares a worker with it."""
    return bool(row.error_type == LOST and row.same_error >= POISON - 1)


def _not_two_suspects(worker_id: str) -> ColumnElement[bool]:
    """Return the condition that leaves suspects out when the worker already has one."""
    held = activity.alias("held")
    has_one = exists().where(
        held.c.lease_owner == worker_id, held.c.error_type == LOST, held.c.same_error >= POISON - 1
    )
    other_error = activity.c.error_type.is_distinct_from(LOST)
    return or_(activity.c.same_error < POISON - 1, other_error, not_(has_one))


def _opened(tx: Tx, row: Row[Any]) -> dict[str, Any] | None:
    """Return what a claim holds of payloads, or put the activity off when they cannot be read here."""
    place = (row.run_id, row.seq)
    try:
        return {
            "args": tx.unpack(row.args, "activity.args", *place),
            "options": from_bytes(row.options),
            "details": None if row.beat is None else tx.unpack(row.beat, "activity.beat", *place),
        }
    except PayloadError as error:
        failure = Failure(type=type(error).__name__, message=error.message, attempts=row.attempt)
        attempts.put_off(tx, row, failure)
        return None


def _taken(
    tx: Tx, row: Row[Any], opened: dict[str, Any], *, epoch: int, attempt: int
) -> ActivityClaim:
    return ActivityClaim(
        run_id=row.run_id, seq=row.seq, name=row.name, epoch=epoch, attempt=attempt,
        key=f"{row.lineage}/{row.seq if row.key_seq is None else row.key_seq}", probe=row.probe, started_at=tx.now,
        **opened,
    )  # fmt: skip


def _waiting(queue: str) -> tuple[ColumnElement[bool], ...]:
    """Return the condition for what a worker may take; the query must join the run.

    A paused run takes nothing further on, unless it is ending: then its compensations go on.
    """
    return (
        activity.c.closed_at.is_(None),
        activity.c.queue == queue,
        activity.c.state.in_(_WAITING),
        or_(run.c.paused_at.is_(None), run.c.ending.is_not(None)),
    )


def give_up_attempts(tx: Tx, claims: Iterable[tuple[ActivityClaim, Heartbeat | None]]) -> None:
    """Give leases back at once; the attempt counts, because its effect may have happened."""
    held = list(claims)
    lock_runs(tx, (claim.run_id for claim, _ in held))
    for claim, beat in held:
        try:
            row = attempts.held_row(tx, claim)
        except LeaseLostError:
            continue  # it has just ended
        attempts.keep_details(tx, row, beat)
        message = f"worker {row.lease_owner} was stopped during the attempt"
        ends = retry_of(claim.options).gives_up(row.attempt, LOST)
        if claim.probe:
            attempts.change(
                tx, row, state=ActivityState.BACKOFF.value, visible_at=tx.now, lease_owner=None,
                lease_until=None, deadline_at=None,
            )  # fmt: skip
        elif row.effect == attempts.ONCE or ends:
            lost = Failure(type=LOST, message=message, attempts=row.attempt)
            attempts.follow(tx, row, lost, retry_in_ms=None if ends else 0, unknown=True)
        else:
            attempts.wait(tx, row, due_at=tx.now, state=ActivityState.READY)


def next_activity_due(tx: Tx, *, queue: str, after: int = -1) -> int | None:
    """Return when the next activity of a queue is due later than `after`, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(activity.c.visible_at))
        .join(run, run.c.id == activity.c.run_id)
        .where(*_waiting(queue), activity.c.visible_at > after)
    ).scalar()
    return due


def register_worker(tx: Tx, row: Mapping[str, object]) -> None:
    """Insert the row of a worker that has just started, or that works again after it had stopped."""
    tx.conn.execute(delete(worker).where(worker.c.id == row["id"]))
    tx.conn.execute(
        insert(worker).values(started_at=tx.now, seen_at=tx.now, loop_seen_at=tx.now, **row)
    )


def beat(  # noqa: PLR0913 - one transaction, one call
    tx: Tx,
    worker_id: str,
    *,
    loop_age_ms: int,
    stack: str | None,
    busy: int,
    lease_ms: int,
    runs: Iterable[RunClaim],
    activities: Iterable[tuple[ActivityClaim, Heartbeat | None]],
    machine_ms: int | None = None,
) -> Lost:
    """Say that a worker is alive, renew its leases and store progress; return the leases that are gone.

    The row is written by a thread, so `loop_age_ms` tells how long ago the event loop last moved. Leases of a loop
    that does not move are renewed all the same: the work is running, and health says that it blocks. `machine_ms` is
    the time by the worker's own clock; it is only compared.
    """
    tx.conn.execute(
        update(worker)
        .where(worker.c.id == worker_id)
        .values(
            seen_at=tx.now,
            loop_seen_at=tx.now - loop_age_ms,
            stack=stack,
            busy=busy,
            clock_offset=None if machine_ms is None else machine_ms - tx.now,
        )
    )
    until = tx.now + lease_ms
    held, begun = list(runs), list(activities)
    lock_runs(tx, [*(claim.run_id for claim in held), *(claim.run_id for claim, _ in begun)])
    lost_runs = {
        (claim.run_id, claim.epoch)
        for claim in held
        if tx.conn.execute(
            update(run)
            .where(
                run.c.id == claim.run_id,
                run.c.lease_epoch == claim.epoch,
                run.c.task_state == TaskState.LEASED.value,
            )
            .values(lease_until=until)
        ).rowcount
        != 1
    }
    lost_activities = {
        (claim.run_id, claim.seq, claim.epoch)
        for claim, beat in begun
        if not _renew(tx, claim, beat, until)
    }
    return Lost(runs=frozenset(lost_runs), activities=frozenset(lost_activities))


def _renew(tx: Tx, claim: ActivityClaim, beat: Heartbeat | None, until: int) -> bool:
    try:
        row = attempts.held_row(tx, claim)
    except LeaseLostError:
        return False
    beat_at = row.beat_at if beat is None else tx.now
    attempts.keep_details(tx, row, beat)
    attempts.change(
        tx, row, lease_until=until, beat_at=beat_at,
        deadline_at=deadline_of(row, lease_until=until, beat_at=beat_at),
    )  # fmt: skip
    return True


def stop_worker(tx: Tx, worker_id: str) -> None:
    """Say that a worker ended in good order."""
    tx.conn.execute(
        update(worker)
        .where(worker.c.id == worker_id)
        .values(stopped_at=tx.now, seen_at=tx.now, busy=0)
    )
