"""Verbs of activities and workers: claim, complete, fail an attempt, heartbeat."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.records import ActivityClaim, Lost, RunClaim
from holdfast._store.tables import activity, run, worker
from holdfast.errors import LeaseLostError, PayloadError
from holdfast.health import LOST
from holdfast.history import Failure, Json, failure_to_json
from holdfast.runs import ActivityState, TaskState

_POSTPONED_MS = 5_000
_WAITING = (ActivityState.READY.value, ActivityState.BACKOFF.value)


def claim_activities(
    tx: Tx, *, worker_id: str, queue: str, names: Iterable[str], limit: int, lease_ms: int
) -> list[ActivityClaim]:
    """Lease activities that are due, or whose worker vanished; each claim is a new attempt under a new epoch."""
    leased = activity.c.state == ActivityState.LEASED.value
    lost = and_(leased, activity.c.lease_until < tx.now)
    due = or_(and_(activity.c.state.in_(_WAITING), activity.c.visible_at <= tx.now), lost)
    chosen = (
        select(activity.c.run_id, activity.c.seq)
        .where(
            activity.c.closed_at.is_(None),
            activity.c.queue == queue,
            activity.c.name.in_(list(names)),
            due,
        )
        .order_by(activity.c.visible_at, activity.c.run_id, activity.c.seq)
        .limit(limit)
    )
    claims = []
    for key in tx.conn.execute(chosen).all():
        row = tx.conn.execute(
            update(activity)
            .where(activity.c.run_id == key.run_id, activity.c.seq == key.seq, due)
            .values(
                **_lost_attempt(leased),
                state=ActivityState.LEASED.value, lease_owner=worker_id, lease_until=tx.now + lease_ms,
                lease_epoch=activity.c.lease_epoch + 1, attempt=activity.c.attempt + 1, started_at=tx.now,
                beat_at=None, beat=None,
            )
            .returning(activity)
        ).first()  # fmt: skip
        claim = None if row is None else _opened(tx, row)
        if claim is not None:
            claims.append(claim)
    return claims


def _opened(tx: Tx, row: Row[Any]) -> ActivityClaim | None:
    """Return a claim, or put the activity back when its arguments cannot be read here."""
    claim = ActivityClaim(
        run_id=row.run_id, seq=row.seq, name=row.name, epoch=row.lease_epoch, attempt=row.attempt, args=[], options={}
    )  # fmt: skip
    try:
        args = tx.unpack(row.args, "activity.args", row.run_id, row.seq)
        options = tx.unpack(row.options, "activity.options", row.run_id, row.seq)
    except PayloadError as error:
        failure = Failure(type=type(error).__name__, message=error.message, attempts=row.attempt)
        postpone_attempt(tx, claim, failure)
        return None
    return replace(claim, args=args, options=options)


def _lost_attempt(leased: ColumnElement[bool]) -> dict[str, object]:
    """Return what a claim notes of the attempt before, if that was leased and so has ended with its worker."""
    again = and_(leased, activity.c.error_signature == LOST)
    message = literal("worker ") + activity.c.lease_owner + " stopped during the attempt"
    return {
        "error_type": case((leased, LOST), else_=activity.c.error_type),
        "error_message": case((leased, message), else_=activity.c.error_message),
        "error_at": case((leased, activity.c.lease_until), else_=activity.c.error_at),
        "error_signature": case((leased, LOST), else_=activity.c.error_signature),
        "same_error": case(
            (again, activity.c.same_error + 1), (leased, 1), else_=activity.c.same_error
        ),
        "same_error_since": case(
            (again, activity.c.same_error_since),
            (leased, activity.c.lease_until),
            else_=activity.c.same_error_since,
        ),
    }


def complete_activity(tx: Tx, claim: ActivityClaim, result: Json) -> None:
    """Record a result once, with the event that tells the run."""
    _end(tx, claim, ActivityState.COMPLETED)
    append_event(tx, claim.run_id, "activity_completed", {"seq": claim.seq, "result": result})


def _end(tx: Tx, claim: ActivityClaim, state: ActivityState, **more: object) -> None:
    done = tx.conn.execute(
        update(activity)
        .where(*_held(claim))
        .values(state=state.value, closed_at=tx.now, lease_owner=None, lease_until=None, **more)
    )
    if done.rowcount != 1:
        raise _lost(claim)


def _held(claim: ActivityClaim) -> tuple[ColumnElement[bool], ...]:
    return (
        activity.c.run_id == claim.run_id,
        activity.c.seq == claim.seq,
        activity.c.lease_epoch == claim.epoch,
        activity.c.state == ActivityState.LEASED.value,
    )


def _lost(claim: ActivityClaim) -> LeaseLostError:
    return LeaseLostError(
        f"Activity {claim.name} (#{claim.seq} of run {claim.run_id}): the lease of epoch {claim.epoch} is gone, so the "
        "outcome of this attempt was not recorded. Another worker has taken it over, or the run went on without it."
    )


def fail_attempt(
    tx: Tx, claim: ActivityClaim, failure: Failure, *, retry_in_ms: int | None
) -> None:
    """Record a failed attempt: the next one starts after `retry_in_ms`, or the activity has failed when it is None."""
    error = _error(tx, claim, failure)
    if retry_in_ms is None:
        _end(tx, claim, ActivityState.FAILED, **error)
        append_event(
            tx,
            claim.run_id,
            "activity_failed",
            {"seq": claim.seq, "failure": failure_to_json(failure)},
        )
        return
    _back_off(tx, claim, retry_in_ms, **error)


def postpone_attempt(tx: Tx, claim: ActivityClaim, failure: Failure) -> None:
    """Put back an attempt that did not begin because its arguments cannot be read; it does not count."""
    error = _error(tx, claim, failure)
    _back_off(tx, claim, _POSTPONED_MS, attempt=activity.c.attempt - 1, **error)


def _back_off(tx: Tx, claim: ActivityClaim, retry_in_ms: int, **more: object) -> None:
    done = tx.conn.execute(
        update(activity)
        .where(*_held(claim))
        .values(
            state=ActivityState.BACKOFF.value,
            visible_at=tx.now + retry_in_ms,
            lease_owner=None,
            lease_until=None,
            **more,
        )
    )
    if done.rowcount != 1:
        raise _lost(claim)


def _error(tx: Tx, claim: ActivityClaim, failure: Failure) -> dict[str, object]:
    signature = tx.chain.veil(signature_of(failure))
    same = activity.c.error_signature == signature
    message = failure.message[:2000]
    return {
        "error_type": failure.type,
        "error_message": tx.pack_text(message, "activity.error_message", claim.run_id, claim.seq),
        "error_at": tx.now,
        "error_signature": signature,
        "same_error": case((same, activity.c.same_error + 1), else_=1),
        "same_error_since": case((same, activity.c.same_error_since), else_=tx.now),
    }


def signature_of(failure: Failure) -> str:
    """Return what two occurrences of the same error have in common: the type and the message without numbers."""
    return f"{failure.type}: {re.sub(r'[0-9a-f]{8,}|[0-9]+', '#', failure.message)}"[:300]


def give_up_attempts(tx: Tx, claims: Iterable[ActivityClaim]) -> None:
    """Give leases back at once; the attempt counts, because its effect may have happened."""
    for claim in claims:
        tx.conn.execute(
            update(activity)
            .where(*_held(claim))
            .values(
                state=ActivityState.READY.value,
                visible_at=tx.now,
                lease_owner=None,
                lease_until=None,
            )
        )


def next_activity_due(tx: Tx, *, queue: str) -> int | None:
    """Return when the next activity of a queue is due, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(activity.c.visible_at)).where(
            activity.c.closed_at.is_(None),
            activity.c.queue == queue,
            activity.c.state.in_(_WAITING),
        )
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
    activities: Iterable[tuple[ActivityClaim, Json]],
) -> Lost:
    """Say that a worker is alive, renew its leases and store progress; return the leases that are gone.

    The row is written by a thread, so `loop_age_ms` tells how long ago the event loop last moved. Leases of a loop
    that does not move are renewed all the same: the work is running, and health says that it blocks.
    """
    tx.conn.execute(
        update(worker)
        .where(worker.c.id == worker_id)
        .values(seen_at=tx.now, loop_seen_at=tx.now - loop_age_ms, stack=stack, busy=busy)
    )
    until = tx.now + lease_ms
    lost_runs = {
        (claim.run_id, claim.epoch)
        for claim in runs
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
        for claim, details in activities
        if not _renew(tx, claim, details, until)
    }
    return Lost(runs=frozenset(lost_runs), activities=frozenset(lost_activities))


def _renew(tx: Tx, claim: ActivityClaim, details: Json, until: int) -> bool:
    progress = (
        {}
        if details is None
        else {"beat_at": tx.now, "beat": tx.pack(details, "activity.beat", claim.run_id, claim.seq)}
    )
    done = tx.conn.execute(
        update(activity).where(*_held(claim)).values(lease_until=until, **progress)
    )
    return done.rowcount == 1


def stop_worker(tx: Tx, worker_id: str) -> None:
    """Say that a worker ended in good order."""
    tx.conn.execute(
        update(worker)
        .where(worker.c.id == worker_id)
        .values(stopped_at=tx.now, seen_at=tx.now, busy=0)
    )
