"""Firing the ticks of schedules: each is started, kept or skipped, and leaves a row that says so.

A schedule's row is locked while its ticks are decided on, and a tick is known by the id of its run: so two workers
never fire one twice. Locks are taken in one order, schedule, run, tick: whoever ends a run touches its tick alone.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Iterable
from typing import Any, assert_never

from sqlalchemy import and_, delete, func, insert, or_, select, update

from holdfast._registry import python_minor
from holdfast._store import ending
from holdfast._store.database import Tx
from holdfast._store.records import NewRun
from holdfast._store.rows import lock_runs
from holdfast._store.sealing import left_if_sealed
from holdfast._store.starting import insert_run, known_run
from holdfast._store.tables import run, schedule, schedule_tick
from holdfast._ticking import (
    Buffer,
    Crowd,
    Plan,
    Reason,
    Replace,
    Rules,
    Skip,
    Start,
    Step,
    Tick,
    TickState,
    Timing,
    plan,
    run_id_of,
)
from holdfast.errors import UsageError
from holdfast.history import Json, canonical
from holdfast.payloads import from_bytes
from holdfast.runs import RunStatus, TaskState
from holdfast.schedules import Overlap, duration_words, spec_from_json

ROWS_KEPT = 1000
_FAILURES = frozenset({RunStatus.FAILED.value, RunStatus.TIMED_OUT.value})
_ITSELF = "holdfast"


def fire_due(tx: Tx, *, limit: int, flags: int) -> int:
    """Decide on what is due of all schedules, and return how much that was; `flags` are those of new runs."""
    due = tx.conn.execute(
        select(schedule.c.id)
        .where(schedule.c.next_at <= tx.now)
        .order_by(schedule.c.next_at, schedule.c.id)
        .limit(limit)
    ).scalars()
    ended = tx.conn.execute(
        select(schedule_tick.c.schedule).where(schedule_tick.c.unseen).distinct().limit(limit)
    ).scalars()
    done = 0
    for schedule_id in dict.fromkeys([*due, *ended]):
        row = tx.conn.execute(
            select(schedule).where(schedule.c.id == schedule_id).with_for_update(skip_locked=True)
        ).first()
        if row is None:
            continue  # another worker decides on it
        with left_if_sealed(tx, f"Schedule {schedule_id}"):
            done += attend(tx, row, flags=flags)
    return done


def next_schedule_due(tx: Tx, *, after: int = -1) -> int | None:
    """Return when the next tick later than `after` fires, in milliseconds, or None."""
    due: int | None = tx.conn.execute(
        select(func.min(schedule.c.next_at)).where(schedule.c.next_at > after)
    ).scalar()
    return due


def attend(tx: Tx, row: Any, *, flags: int) -> int:
    """Look at a locked schedule: its runs that have ended, its ticks that are due, and those that wait."""
    done = _look_at_ends(tx, row)
    row = _again(tx, row)
    if row.paused_at is not None:
        return done
    if row.next_at is not None and row.next_at <= tx.now:
        done += _fire(tx, row, flags=flags)
    return done + release(tx, row, flags=flags)


def _again(tx: Tx, row: Any) -> Any:
    return tx.conn.execute(select(schedule).where(schedule.c.id == row.id)).one()


def _look_at_ends(tx: Tx, row: Any) -> int:
    ended = tx.conn.execute(
        update(schedule_tick)
        .where(schedule_tick.c.schedule == row.id, schedule_tick.c.unseen)
        .values(unseen=False)
        .returning(schedule_tick.c.run_id, schedule_tick.c.outcome)
    ).all()
    failed = [tick for tick in ended if tick.outcome in _FAILURES]
    if failed and row.pause_on_failure and row.paused_at is None:
        how = failed[0].outcome.replace("_", " ")
        hold(tx, row.id, by=_ITSELF, note=f"run {failed[0].run_id} {how}")
    return len(ended)


def hold(tx: Tx, schedule_id: str, *, by: str, note: str) -> None:
    """Let no tick of a schedule fire until it is resumed; its next nominal time stays."""
    sealed = tx.pack_text(note, "schedule.pause_note", schedule_id)
    tx.conn.execute(
        update(schedule)
        .where(schedule.c.id == schedule_id)
        .values(next_at=None, paused_at=tx.now, paused_by=by, pause_note=sealed)
    )


def _fire(tx: Tx, row: Any, *, flags: int) -> int:
    remaining = None if row.max_runs is None else row.max_runs - row.runs
    rules = Rules(overlap=Overlap(row.overlap), catch_up=row.catch_up_ms, remaining=remaining)
    due = Tick(nominal=row.next_nominal, fire_at=row.next_at)
    made = plan(timing_of(row), rules, crowd_of(tx, row.id), due=due, now=tx.now)
    carry_out(tx, row, made.steps, origin="schedule", flags=flags)
    go_on(tx, row, made)
    _prune(tx, row.id)
    return max(1, len(made.steps))


def go_on(tx: Tx, row: Any, made: Plan) -> None:
    """Record which tick of a schedule is next."""
    tx.conn.execute(
        update(schedule)
        .where(schedule.c.id == row.id)
        .values(
            runs=schedule.c.runs + made.accepted,
            next_nominal=None if made.next is None else made.next.nominal,
            next_at=None if made.next is None else made.next.fire_at,
        )
    )


def timing_of(row: Any) -> Timing:
    """Return when the schedule of a row fires."""
    return Timing(
        schedule=row.id, spec=spec_from_json(from_bytes(row.spec)), start_at=row.start_at, end_at=row.end_at,
        jitter=row.jitter_ms,
    )  # fmt: skip


def crowd_of(tx: Tx, schedule_id: str) -> Crowd:
    """Return how many runs of a schedule are open, and how many ticks wait for them."""
    counted = tx.conn.execute(
        select(schedule_tick.c.state, func.count())
        .where(schedule_tick.c.schedule == schedule_id, _is_pending())
        .group_by(schedule_tick.c.state)
    ).all()
    counts: dict[str, int] = dict(map(tuple, counted))
    return Crowd(
        open=counts.get(TickState.STARTED.value, 0),
        buffered=counts.get(TickState.BUFFERED.value, 0),
    )


def _is_pending() -> Any:
    tick = schedule_tick.c
    return or_(
        and_(tick.state == TickState.STARTED.value, tick.outcome.is_(None)),
        tick.state == TickState.BUFFERED.value,
    )


def open_runs(tx: Tx, schedule_id: str) -> list[str]:
    """Return the runs of a schedule that have not ended, the oldest first; of a chain of runs, the newest."""
    tick = schedule_tick.c
    first = select(tick.run_id).where(
        tick.schedule == schedule_id, tick.state == TickState.STARTED.value, tick.outcome.is_(None)
    )
    rows = tx.conn.execute(
        select(run.c.id)
        .where(
            run.c.schedule == schedule_id,
            run.c.closed_at.is_(None),
            run.c.first_run.in_(first.scalar_subquery()),
        )
        .order_by(run.c.created_at, run.c.id)
    )
    return [row.id for row in rows]


def carry_out(tx: Tx, row: Any, steps: Iterable[Step], *, origin: str, flags: int) -> None:
    """Do what was decided on ticks; one that has a row already is left as it is."""
    for step in steps:
        run_id = run_id_of(row.id, step.tick.nominal, triggered=origin == "trigger")
        if tick_row(tx, row.id, run_id) is not None:
            continue
        values = {
            "schedule": row.id, "run_id": run_id, "nominal": step.tick.nominal, "fire_at": step.tick.fire_at,
            "decided_at": tx.now, "origin": origin, "unseen": False,
        }  # fmt: skip
        became = _carry_out_one(tx, row, step, run_id, flags=flags)
        tx.conn.execute(insert(schedule_tick).values(**values, **became))


def tick_row(tx: Tx, schedule_id: str, run_id: str) -> Any:
    """Return what became of a tick, or None."""
    return tx.conn.execute(
        select(schedule_tick).where(
            schedule_tick.c.schedule == schedule_id, schedule_tick.c.run_id == run_id
        )
    ).first()


def _carry_out_one(tx: Tx, row: Any, step: Step, run_id: str, *, flags: int) -> dict[str, Any]:
    match step:
        case Start():
            return _start(tx, row, step.tick.nominal, run_id, flags=flags)
        case Buffer():
            return {"state": TickState.BUFFERED.value}
        case Replace():
            _make_room(tx, row, step, run_id)
            return {"state": TickState.BUFFERED.value}
        case Skip():
            return {
                "state": TickState.SKIPPED.value,
                "reason": step.reason.value,
                "note": _why_skipped(tx, row, step.reason),
                "through": step.through,
            }
        case _:
            assert_never(step)


def _start(tx: Tx, row: Any, nominal: int, run_id: str, *, flags: int) -> dict[str, Any]:
    if known_run(tx, run_id) is not None:
        note = f"there is a run {run_id} already, which this schedule has not started"
        return {"state": TickState.FAILED.value, "reason": Reason.REFUSED.value, "note": note}
    request = tx.unpack(row.request, "schedule.request", row.id)
    insert_run(
        tx,
        NewRun(
            id=run_id, workflow=row.workflow, entry=row.entry, queue=row.queue, seed=secrets.token_hex(8), flags=flags,
            python=python_minor(), code="",
            digest=digest_of(row.workflow, row.queue, request["args"]), args=request["args"],
            attributes=request["attributes"], accepts=request["accepts"], priority=row.priority, retry_budget=row.retry_budget, timeout_ms=row.timeout_ms,
            schedule=row.id, scheduled_for=nominal,
        ),
    )  # fmt: skip
    return {"state": TickState.STARTED.value, "reason": None, "note": None}


def digest_of(workflow: str, queue: str, args: list[Json]) -> str:
    """Return what tells one request to start a run from another."""
    return hashlib.sha256(canonical([workflow, queue, args]).encode()).hexdigest()


def _why_skipped(tx: Tx, row: Any, reason: Reason) -> str:
    match reason:
        case Reason.OVERLAP:
            return _why_overlapped(tx, row)
        case Reason.BUFFER_FULL:
            return f"{crowd_of(tx, row.id).buffered} tick(s) waited already"
        case Reason.PAUSED:
            return f"the schedule was paused by {row.paused_by}"
        case _:
            return (
                f"no worker looked within the catch-up window of {duration_words(row.catch_up_ms)}"
            )


def _why_overlapped(tx: Tx, row: Any) -> str:
    runs = open_runs(tx, row.id)
    if not runs:
        return "a tick before it waited"
    state = tx.conn.execute(select(run.c.task_state).where(run.c.id == runs[0])).scalar()
    blocked = ": it is blocked" if state == TaskState.BLOCKED.value else ""
    return f"run {runs[0]} had not ended{blocked}"


def _make_room(tx: Tx, row: Any, step: Replace, run_id: str) -> None:
    """End the open runs for a tick, and let it take the place of those that wait."""
    waiting = (
        schedule_tick.c.schedule == row.id,
        schedule_tick.c.state == TickState.BUFFERED.value,
    )
    tx.conn.execute(
        update(schedule_tick)
        .where(*waiting)
        .values(
            state=TickState.SKIPPED.value,
            reason=Reason.SUPERSEDED.value,
            note=f"the tick of {run_id} took its place",
        )
    )
    others = open_runs(tx, row.id)
    lock_runs(tx, others)
    for open_id in others:
        with contextlib.suppress(UsageError):  # it is being ended already
            if step.terminate:
                ending.terminate(tx, open_id, f"schedule {row.id} starts {run_id} in its place")
            else:
                ending.request_cancel(
                    tx, open_id, f"schedule {row.id} starts {run_id} in its place"
                )


def release(tx: Tx, row: Any, *, flags: int) -> int:
    """Start the oldest tick that waits once no run of the schedule is open, and return how many were decided on."""
    done = 0
    while (crowd := crowd_of(tx, row.id)).buffered and not crowd.open:
        oldest = tx.conn.execute(
            select(schedule_tick)
            .where(
                schedule_tick.c.schedule == row.id,
                schedule_tick.c.state == TickState.BUFFERED.value,
            )
            .order_by(schedule_tick.c.nominal, schedule_tick.c.run_id)
            .limit(1)
        ).one()
        became = _start(tx, row, oldest.nominal, oldest.run_id, flags=flags)
        tx.conn.execute(
            update(schedule_tick)
            .where(schedule_tick.c.schedule == row.id, schedule_tick.c.run_id == oldest.run_id)
            .values(decided_at=tx.now, **became)
        )
        done += 1
    return done


def _prune(tx: Tx, schedule_id: str) -> None:
    """Forget the oldest ticks; those that wait and those whose run is open stay."""
    tick = schedule_tick.c
    oldest = tx.conn.execute(
        select(tick.nominal)
        .where(tick.schedule == schedule_id)
        .order_by(tick.nominal.desc())
        .offset(ROWS_KEPT)
        .limit(1)
    ).scalar()
    if oldest is not None:
        over = or_(
            tick.state.in_([TickState.SKIPPED.value, TickState.FAILED.value]),
            tick.outcome.is_not(None),
        )
        tx.conn.execute(
            delete(schedule_tick).where(
                tick.schedule == schedule_id, tick.nominal <= oldest, over, tick.unseen.is_(False)
            )
        )
