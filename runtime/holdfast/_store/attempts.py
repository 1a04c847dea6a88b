"""Verbs that record what became of an attempt, and decide what follows: the end, another attempt, a probe, a person."""

import random
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update

from holdfast._store import ending
from holdfast._store.approvals import note_delivery
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast._store.records import ActivityClaim, Heartbeat
from holdfast._store.rows import lock_run
from holdfast._store.scheduling import earliest, start_limit
from holdfast._store.tables import activity, run
from holdfast.errors import LeaseLostError
from holdfast.health import LOST
from holdfast.history import Failure, Json, failure_to_json
from holdfast.payloads import from_bytes
from holdfast.retry import retry_of
from holdfast.runs import ActivityState

ONCE = "once"
EXPIRED = "ScheduleToCloseTimeout"
BUDGET = "RetryBudgetExhausted"
MAX_PROBES = 4
_PROBE_PAUSE_MS = 1_000
_POSTPONED_MS = 5_000
_UNLEASED = {"lease_owner": None, "lease_until": None}


def held(claim: ActivityClaim) -> tuple[ColumnElement[bool], ...]:
    """Return the condition under which a claim may still record its outcome."""
    return (
        activity.c.run_id == claim.run_id,
        activity.c.seq == claim.seq,
        activity.c.lease_epoch == claim.epoch,
        activity.c.state == ActivityState.LEASED.value,
    )


def held_row(tx: Tx, claim: ActivityClaim) -> Row[Any]:
    """Return the row of a claim, locked after its run, or raise `LeaseLostError`."""
    lock_run(tx, claim.run_id)
    row = tx.conn.execute(select(activity).where(*held(claim)).with_for_update()).first()
    if row is None:
        raise LeaseLostError(
            f"Activity {claim.name} (#{claim.seq} of run {claim.run_id}): the lease of epoch {claim.epoch} is gone, so the "
            "outcome of this attempt was not recorded. A time limit ended it, another worker has taken it over, or the "
            "run went on without it."
        )
    return row


def change(tx: Tx, row: Row[Any], **values: object) -> None:
    """Change the row of an activity that was read in this transaction."""
    tx.conn.execute(
        update(activity)
        .where(activity.c.run_id == row.run_id, activity.c.seq == row.seq)
        .values(**values)
    )


def _report(tx: Tx, row: Row[Any], kind: str, body: Mapping[str, Json]) -> None:
    """Tell the run that an activity has ended: the one place through which every end goes."""
    if row.seq > 0:  # no command of the run asked for the others
        append_event(tx, row.run_id, kind, {"seq": row.seq, **body})
    if row.key_seq is not None:
        ending.ended(tx, row, failed=kind == "activity_failed")


def complete(tx: Tx, row: Row[Any], result: Json, **more: object) -> None:
    """Record a result, with the event that tells the run."""
    change(
        tx, row, state=ActivityState.COMPLETED.value, closed_at=tx.now, probe=False, **_UNLEASED, **more
    )  # fmt: skip
    _report(tx, row, "activity_completed", {"result": result})


def fail(tx: Tx, row: Row[Any], failure: Failure, **more: object) -> None:
    """Record that an activity has failed for good, with the event that tells the run."""
    change(
        tx, row, state=ActivityState.FAILED.value, closed_at=tx.now, probe=False, **_UNLEASED,
        **_error(tx, row, failure), **more,
    )  # fmt: skip
    _report(tx, row, "activity_failed", {"failure": failure_to_json(failure)})


# Outcomes that a worker brings


def complete_activity(tx: Tx, claim: ActivityClaim, result: Json) -> None:
    """Record a result once; the probe of an activity brings it, too, when the effect has happened."""
    complete(tx, held_row(tx, claim), result)
    note_delivery(tx, claim)


def fail_attempt(
    tx: Tx,
    claim: ActivityClaim,
    failure: Failure,
    *,
    retry_in_ms: int | None,
    unknown: bool = False,
    beat: Heartbeat | None = None,
) -> None:
    """Record a failed attempt and its last sign of life.

    The next attempt starts after `retry_in_ms`, or the activity has failed when that is None. With `unknown` the
    effect may have happened all the same.
    """
    row = held_row(tx, claim)
    keep_details(tx, row, beat)
    follow(tx, row, failure, retry_in_ms=retry_in_ms, unknown=unknown)


def postpone_attempt(tx: Tx, claim: ActivityClaim, failure: Failure) -> None:
    """Put back an attempt that did not begin because its arguments cannot be read; it does not count."""
    row = held_row(tx, claim)
    wait(
        tx, row, due_at=tx.now + _POSTPONED_MS, state=ActivityState.BACKOFF, attempt=row.attempt - 1,
        **_error(tx, row, failure),
    )  # fmt: skip


def put_off(tx: Tx, row: Row[Any], failure: Failure) -> None:
    """Leave an activity that waits to a process that can read it; its time limits go on."""
    noted = {} if row.probe else _error(tx, row, failure)
    change(tx, row, state=ActivityState.BACKOFF.value, visible_at=tx.now + _POSTPONED_MS, **noted)


def nothing_happened(tx: Tx, claim: ActivityClaim) -> None:
    """Take in the probe's answer that the effect has not happened: then the attempt failed like any other."""
    row = held_row(tx, claim)
    policy = retry_of(from_bytes(row.options))
    failure = Failure(
        type=row.error_type or "", message=error_message(tx, row) or "", attempts=row.attempt
    )
    ends = row.final or policy.gives_up(row.attempt, failure.type)
    pause = policy.delay_ms(row.attempt, draw=random.random())  # noqa: S311 - spreads load, protects nothing
    follow(tx, row, failure, retry_in_ms=None if ends else pause, unknown=False)


def probe_failed(tx: Tx, claim: ActivityClaim, why: str, *, again: bool) -> None:
    """Take in that a probe could not tell what happened."""
    cannot_tell(tx, held_row(tx, claim), why, again=again)


# What follows


def follow(
    tx: Tx, row: Row[Any], failure: Failure, *, retry_in_ms: int | None, unknown: bool
) -> None:
    """Decide what follows a failed attempt, in the transaction that records it."""
    if unknown and row.effect == ONCE:
        _doubt(tx, row, failure, final=retry_in_ms is None)
        return
    refused = None if retry_in_ms is None else _no_time(tx, row, failure, retry_in_ms)
    if retry_in_ms is None or refused is not None:
        fail(tx, row, refused or failure)
        return
    refused = _over_budget(tx, row, failure)
    if refused is not None:
        fail(tx, row, refused)
        return
    noted = {} if row.probe else _error(tx, row, failure)  # the probe's answer is no new error
    wait(tx, row, due_at=tx.now + retry_in_ms, state=ActivityState.BACKOFF, **noted)


def wait(tx: Tx, row: Row[Any], *, due_at: int, state: ActivityState, **more: object) -> None:
    """Let the next attempt start at `due_at`; its time to be taken by a worker begins then."""
    start_by = start_limit(from_bytes(row.options), due_at=due_at)
    expires_at: Any = more.get("expires_at", row.expires_at)
    change(
        tx, row, state=state.value, visible_at=due_at, probe=False, start_by=start_by,
        deadline_at=earliest(start_by, expires_at), lease_epoch=row.lease_epoch + 1, **_UNLEASED, **more,
    )  # fmt: skip


def _no_time(tx: Tx, row: Row[Any], failure: Failure, retry_in_ms: int) -> Failure | None:
    if row.expires_at is None or tx.now + retry_in_ms < row.expires_at:
        return None
    total = (row.expires_at - row.scheduled_at) / 1000
    if row.expires_at <= tx.now:
        return Failure(
            type=EXPIRED, message=f"no result within {total:g} s of its scheduling; last {failure.type}: {failure.message}",
            attempts=failure.attempts, details=failure.details,
        )  # fmt: skip
    return Failure(
        type=failure.type, message=f"{failure.message} (another attempt would start later than schedule_to_close, {total:g} s, allows)",
        attempts=failure.attempts, details=failure.details,
    )  # fmt: skip


def _over_budget(tx: Tx, row: Row[Any], failure: Failure) -> Failure | None:
    """Count a retry of the run, or return how the activity fails when there is none left; compensations do not count."""
    if row.seq < 0:
        return None
    counted = tx.conn.execute(
        update(run)
        .where(
            run.c.id == row.run_id,
            or_(run.c.retry_budget.is_(None), run.c.retries_used < run.c.retry_budget),
        )
        .values(retries_used=run.c.retries_used + 1)
    )
    if counted.rowcount == 1:
        return None
    budget = tx.conn.execute(select(run.c.retry_budget).where(run.c.id == row.run_id)).scalar_one()
    return Failure(
        type=BUDGET, message=f"the run has used up its budget of {budget} retries; last {failure.type}: {failure.message}",
        attempts=failure.attempts, details=failure.details,
    )  # fmt: skip


def _doubt(tx: Tx, row: Row[Any], failure: Failure, *, final: bool) -> None:
    """Ask the probe whether the effect has happened; without a probe, a person."""
    error = _error(tx, row, failure)
    if from_bytes(row.options).get("reconcile"):
        change(
            tx, row, state=ActivityState.BACKOFF.value, probe=True, probes=0, final=final, visible_at=tx.now,
            start_by=None, deadline_at=None, lease_epoch=row.lease_epoch + 1, **_UNLEASED, **error,
        )  # fmt: skip
    else:
        _ask_a_person(tx, row, **error)


def cannot_tell(tx: Tx, row: Row[Any], why: str, *, again: bool) -> None:
    """Ask the probe again a little later, a few times; then a person."""
    probes = row.probes + 1
    if again and probes < MAX_PROBES:
        change(
            tx, row, state=ActivityState.BACKOFF.value, probes=probes, deadline_at=None,
            visible_at=tx.now + _PROBE_PAUSE_MS * 2**row.probes, lease_epoch=row.lease_epoch + 1, **_UNLEASED,
        )  # fmt: skip
    else:
        message = f"{error_message(tx, row)}; {why}"[:2000]
        _ask_a_person(tx, row, probes=probes, error_message=_sealed(tx, row, message))


def _ask_a_person(tx: Tx, row: Row[Any], **more: object) -> None:
    values = {"error_at": tx.now, **more}
    change(
        tx, row, state=ActivityState.ATTENTION.value, probe=False, deadline_at=None,
        lease_epoch=row.lease_epoch + 1, **_UNLEASED, **values,
    )  # fmt: skip


def keep_details(tx: Tx, row: Row[Any], beat: Heartbeat | None) -> None:
    """Store the last sign of life of an attempt that ends, for the next one to read."""
    if beat is not None and beat.details is not None:
        change(tx, row, beat=tx.pack(beat.details, "activity.beat", row.run_id, row.seq))


def _error(tx: Tx, row: Row[Any], failure: Failure) -> dict[str, object]:
    signature = tx.chain.veil(signature_of(failure))
    same = row.error_signature == signature
    return {
        "error_type": failure.type,
        "error_message": _sealed(tx, row, failure.message[:2000]),
        "error_at": tx.now,
        "error_signature": signature,
        "same_error": row.same_error + 1 if same else 1,
        "same_error_since": row.same_error_since if same else tx.now,
    }


def _sealed(tx: Tx, row: Row[Any], message: str) -> str | None:
    return tx.pack_text(message, "activity.error_message", row.run_id, row.seq)


def error_message(tx: Tx, row: Row[Any]) -> str | None:
    """Return what the last error of an activity said."""
    shown: str | None = tx.show_text(
        row.error_message, "activity.error_message", row.run_id, row.seq
    )
    return shown


def signature_of(failure: Failure) -> str:
    """Return what two occurrences of the same error have in common: the type and the message without numbers."""
    if failure.type == LOST:
        return LOST  # whichever worker it was
    return f"{failure.type}: {re.sub(r'[0-9a-f]{8,}|[0-9]+', '#', failure.message)}"[:300]
