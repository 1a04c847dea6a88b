"""Verbs of runs and their workflow tasks: start, claim, commit, block, hand back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, literal, or_, select, update

from holdfast._registry import on_this_python
from holdfast._store import accepting, attention
from holdfast._store.database import Tx
from holdfast._store.effects import apply_command, lock_concerned, mark_parked
from holdfast._store.fleet import active_patches
from holdfast._store.records import Fault, RunClaim
from holdfast._store.rows import open_row
from holdfast._store.tables import drift, inbound, patch_decision, run
from holdfast.errors import (
    LeaseLostError,
    UsageError,
)
from holdfast.health import POISON
from holdfast.history import Command, Json
from holdfast.runs import Parked, RunStatus, TaskState

OPEN = RunStatus.OPEN.value
_CLAIMABLE = (TaskState.READY.value, TaskState.LEASED.value, TaskState.BLOCKED.value)
_REMEMBERED_CODES = 400  # characters: about thirty fingerprints


def claim_runs(
    tx: Tx, *, worker: str, queue: str, fingerprints: Mapping[str, str], limit: int, lease_ms: int
) -> list[RunClaim]:
    """Lease runs that have events to apply, whose lease ran out, or that other code has blocked."""
    chosen = _due_runs(tx, queue, fingerprints, limit)
    if not chosen:
        return []
    # Of several that are lost together nobody knows which did it, so such a claim does not count as one of its own.
    counted = {} if len(chosen) == 1 else {"progress_epoch": run.c.lease_epoch + 1}
    rows = tx.conn.execute(
        update(run)
        .where(run.c.id.in_(chosen))
        .values(
            task_state=TaskState.LEASED.value,
            lease_owner=worker,
            lease_until=tx.now + lease_ms,
            lease_epoch=run.c.lease_epoch + 1,
            **counted,
        )
        .returning(
            run.c.id,
            run.c.workflow,
            run.c.lease_epoch,
            run.c.done_turn,
            run.c.failures,
            run.c.error_signature,
        )
    ).all()
    active = active_patches(tx, queue=queue, fingerprints=fingerprints)
    return [
        RunClaim(
            run_id=row.id, workflow=row.workflow, epoch=row.lease_epoch, done_turn=row.done_turn,
            failures=row.failures, error_signature=row.error_signature, active_patches=active.get(row.workflow),
        )
        for row in rows
    ]  # fmt: skip


def _due_runs(tx: Tx, queue: str, fingerprints: Mapping[str, str], limit: int) -> list[str]:
    state = run.c.task_state
    # A blocked run remembers every code that failed on it: two broken releases must not hand it back and forth.
    known = (*fingerprints.values(), *map(on_this_python, fingerprints.values()), tx.chain.id)
    other_code = and_(*(run.c.error_code.not_like(f"%{code}%") for code in known))
    due = or_(
        and_(state == TaskState.READY.value, run.c.task_visible_at <= tx.now),
        and_(
            state == TaskState.LEASED.value,
            run.c.lease_until < tx.now,
            run.c.lease_epoch - run.c.progress_epoch < POISON,
        ),
        and_(state == TaskState.BLOCKED.value, other_code),
        and_(state == TaskState.READY.value, run.c.failures > 0, other_code),
    )
    found = (
        select(run.c.id, state)
        .where(
            run.c.closed_at.is_(None),
            run.c.paused_at.is_(None),
            run.c.ending.is_(None),
            run.c.queue == queue,
            run.c.workflow.in_(list(fingerprints)),
            state.in_(
                _CLAIMABLE
            ),  # implied by `due`, but it lets the index pass over all that are parked
            due,
        )
        .order_by(run.c.priority, run.c.task_visible_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return _apart(tx.conn.execute(found).all())


def _apart(rows: Sequence[Any]) -> list[str]:
    """Return the runs to lease at once: one that a lost worker held is leased alone, to find out whether it kills."""
    lost = [row.task_state == TaskState.LEASED.value for row in rows]
    first = lost.index(True) if True in lost else len(rows)
    return [row.id for row in rows[: first or 1]]


def commit_turns(  # noqa: PLR0913 - one transaction, one call
    tx: Tx,
    claim: RunClaim,
    turns: Sequence[tuple[int, Sequence[Command]]],
    *,
    code: str,
    parked: Sequence[Parked],
    decisions: Iterable[Mapping[str, object]],
    drifts: Iterable[Mapping[str, object]],
    accepts: Mapping[str, Json] | None = None,
) -> bool:
    """Record the commands of turns and everything they ask for; True when more events wait to be applied.

    `parked` are the waits that no command explains, `accepts` the schemas of the messages that it takes. The lease ends with the commit, whatever the outcome.
    """
    lock_concerned(tx, claim.run_id, (command for _, commands in turns for command in commands))
    last = turns[-1][0] if turns else claim.done_turn
    row = tx.conn.execute(
        update(run)
        .where(*_held(claim), run.c.done_turn == claim.done_turn)
        .values(
            done_turn=last, code=code, progress_at=tx.now, progress_epoch=run.c.lease_epoch, **_unleased(tx, last),
            error_kind=None, error=None, error_signature=None, error_code=None, error_at=None, failures=0,
        )
        .returning(run.c.queue, run.c.inbound_count)
    ).first()  # fmt: skip
    if row is None:
        raise _lost(claim)
    for turn, commands in turns:
        at = tx.conn.execute(
            update(inbound)
            .where(inbound.c.run_id == claim.run_id, inbound.c.turn == turn)
            .values(code=code)
            .returning(inbound.c.at)
        ).scalar_one()
        for command in commands:
            apply_command(tx, claim.run_id, turn, command, queue=row.queue, at=at)
    mark_parked(tx, claim.run_id, parked)
    _remember(tx, claim.run_id, decisions, drifts)
    accepting.remember(tx, claim.run_id, accepts or {})
    return bool(row.inbound_count > last)


def _unleased(tx: Tx, done_turn: int) -> dict[str, object]:
    return {
        "task_state": case(
            (run.c.inbound_count > done_turn, TaskState.READY.value), else_=TaskState.IDLE.value
        ),
        "task_visible_at": tx.now,
        "lease_owner": None,
        "lease_until": None,
    }


def _held(claim: RunClaim) -> tuple[ColumnElement[bool], ...]:
    return (
        run.c.id == claim.run_id,
        run.c.lease_epoch == claim.epoch,
        run.c.task_state == TaskState.LEASED.value,
        run.c.closed_at.is_(None),
    )


def _lost(claim: RunClaim) -> LeaseLostError:
    return LeaseLostError(
        f"Run {claim.run_id}: the lease of epoch {claim.epoch} is gone, so nothing was committed. "
        "Another worker has taken the run over, or it was closed."
    )


def _remember(
    tx: Tx,
    run_id: str,
    decisions: Iterable[Mapping[str, object]],
    drifts: Iterable[Mapping[str, object]],
) -> None:
    for decision in decisions:
        values = {"run_id": run_id, **decision, "key": decision["key"] or ""}
        keys = [patch_decision.c[name] == values[name] for name in ("run_id", "patch", "key")]
        if tx.conn.execute(select(patch_decision.c.turn).where(*keys)).first() is None:
            tx.conn.execute(insert(patch_decision).values(**values))
    for found in drifts:
        values = {"run_id": run_id, **found}
        keys = [drift.c[name] == values[name] for name in ("run_id", "seq", "field")]
        if tx.conn.execute(select(drift.c.turn).where(*keys)).first() is None:
            tx.conn.execute(insert(drift).values(**values))


def record_fault(tx: Tx, claim: RunClaim, fault: Fault) -> None:
    """Record why a run could not be advanced, and block it or let it be tried again; nothing else is committed."""
    state = TaskState.BLOCKED if fault.blocks else TaskState.READY
    error = tx.pack(fault.error, "run.error", claim.run_id)
    done = tx.conn.execute(
        update(run)
        .where(*_held(claim))
        .values(
            task_state=state.value, task_visible_at=tx.now + fault.retry_in_ms, lease_owner=None, lease_until=None,
            progress_epoch=run.c.lease_epoch, error_kind=fault.kind, error=error, error_at=tx.now,
            error_signature=fault.signature, error_code=_failed_on(fault.code),
            failures=case((run.c.error_signature == fault.signature, run.c.failures + 1), else_=1),
        )
    )  # fmt: skip
    if done.rowcount != 1:
        raise _lost(claim)


def _failed_on(code: str) -> ColumnElement[str]:
    known = run.c.error_code
    return case(
        (known.is_(None), code),
        (known.like(f"%{code}%"), known),
        else_=func.substr(literal(f"{code} ") + known, 1, _REMEMBERED_CODES),
    )


def retry(tx: Tx, run_id: str) -> None:
    """Let be tried again what is held: a run that is blocked or isolated, and its activities that are isolated."""
    row = open_row(tx, run_id)
    released = attention.release(tx, run_id)
    isolated = (
        row.task_state == TaskState.LEASED.value
        and row.lease_until < tx.now
        and row.lease_epoch - row.progress_epoch >= POISON
    )
    if row.task_state != TaskState.BLOCKED.value and not row.failures and not isolated:
        if released:
            return
        raise UsageError(
            f"Run {run_id} is not blocked, so there is nothing to try again. `holdfast why {run_id}` says what it waits for."
        )
    tx.conn.execute(
        update(run)
        .where(
            run.c.id == run_id,
            run.c.lease_epoch == row.lease_epoch,
            run.c.closed_at.is_(None),
        )
        .values(
            task_state=TaskState.READY.value,
            task_visible_at=tx.now,
            lease_owner=None,
            lease_until=None,
            progress_epoch=run.c.lease_epoch,
            failures=0,
            error_code=None,
            error_signature=None,
        )
    )


def hand_back(tx: Tx, claims: Iterable[RunClaim]) -> None:
    """Give leases back at once, so that nobody has to wait for them to run out."""
    for claim in sorted(claims, key=lambda claim: claim.run_id):
        back = {"progress_epoch": run.c.lease_epoch, **_unleased(tx, claim.done_turn)}
        tx.conn.execute(update(run).where(*_held(claim)).values(**back))


def next_run_due(tx: Tx, *, queue: str, after: int = -1) -> int | None:
    """Return when the next run of a queue becomes ready later than `after`, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(run.c.task_visible_at)).where(
            run.c.closed_at.is_(None),
            run.c.paused_at.is_(None),
            run.c.ending.is_(None),
            run.c.queue == queue,
            run.c.task_state == TaskState.READY.value,
            run.c.task_visible_at > after,
        )
    ).scalar()
    return due


def next_lease_end(tx: Tx, *, queue: str, after: int = -1) -> int | None:
    """Return when the next lease on a run of a queue has run out, later than `after`, in milliseconds, or None."""
    last: int | None = tx.conn.execute(
        select(func.min(run.c.lease_until)).where(
            run.c.closed_at.is_(None),
            run.c.queue == queue,
            run.c.task_state == TaskState.LEASED.value,
            run.c.lease_until >= after,
        )
    ).scalar()
    return None if last is None else last + 1  # it is good for its last millisecond
