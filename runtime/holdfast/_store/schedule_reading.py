"""Verbs that only read schedules: one in full, or all of them in a row each."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from holdfast._store import ticks
from holdfast._store.database import Tx
from holdfast._store.ordering import by_number
from holdfast._store.schedules import schedule_row
from holdfast._store.tables import schedule, schedule_tick, worker
from holdfast._ticking import Standing, Tick, TickState, judge
from holdfast._verdicts import Thresholds
from holdfast.payloads import from_bytes
from holdfast.schedules import (
    Overlap,
    ScheduleDetail,
    ScheduleSummary,
    TickSummary,
    spec_from_json,
)


def summaries(tx: Tx, *, after: str, limit: int) -> list[ScheduleSummary]:
    """Return schedules by their ids."""
    query = (
        select(schedule)
        .where(by_number(schedule.c.id) > after)
        .order_by(by_number(schedule.c.id))
        .limit(limit)
    )
    workers = _live_workers(tx)
    return [_summary(tx, row, workers) for row in tx.conn.execute(query).all()]


def detail(tx: Tx, schedule_id: str, *, upcoming: int, last: int) -> ScheduleDetail:
    """Return everything that is known of a schedule, with its next and its last ticks."""
    row = schedule_row(tx, schedule_id)
    request = tx.show(row.request, "schedule.request", row.id)
    shown = request if isinstance(request, dict) else {"args": request, "attributes": {}}
    return ScheduleDetail(
        summary=_summary(tx, row, _live_workers(tx)), now=tx.now, args=shown["args"], attributes=shown["attributes"],
        catch_up=timedelta(milliseconds=row.catch_up_ms), jitter=timedelta(milliseconds=row.jitter_ms),
        start_at=row.start_at, end_at=row.end_at, max_runs=row.max_runs, pause_on_failure=row.pause_on_failure,
        timeout=None if row.timeout_ms is None else timedelta(milliseconds=row.timeout_ms),
        retry_budget=row.retry_budget, updated_at=row.updated_at, paused_at=row.paused_at, paused_by=row.paused_by,
        pause_note=tx.show_text(row.pause_note, "schedule.pause_note", row.id),
        upcoming=tuple(tick.fire_at for tick in _upcoming(row, upcoming)),
        ticks=tuple(tick_summary(tick) for tick in _last_ticks(tx, row.id, last)),
        open_runs=tuple(ticks.open_runs(tx, row.id)), buffered=ticks.crowd_of(tx, row.id).buffered,
    )  # fmt: skip


def _upcoming(row: Any, count: int) -> list[Tick]:
    if row.next_at is None:
        return []
    left = count if row.max_runs is None else min(count, row.max_runs - row.runs)
    return ticks.timing_of(row).upcoming(row.next_nominal - 1, left)


def _last_ticks(tx: Tx, schedule_id: str, count: int) -> list[Any]:
    query = select(schedule_tick).where(schedule_tick.c.schedule == schedule_id)
    order = (schedule_tick.c.nominal.desc(), by_number(schedule_tick.c.run_id).desc())
    return list(tx.conn.execute(query.order_by(*order).limit(count)).all())


def tick_summary(row: Any) -> TickSummary:
    """Return what became of a tick, from its row."""
    return TickSummary(
        at=row.nominal, fire_at=row.fire_at, decided_at=row.decided_at, state=row.state, origin=row.origin,
        run_id=row.run_id if row.state == TickState.STARTED.value else None, outcome=row.outcome,
        closed_at=row.closed_at, reason=row.reason, note=row.note, through=row.through,
    )  # fmt: skip


def _summary(tx: Tx, row: Any, workers: int) -> ScheduleSummary:
    last = next(iter(_last_ticks(tx, row.id, 1)), None)
    code, why = judge(
        Standing(
            next_at=row.next_at, paused_at=row.paused_at, paused_by=row.paused_by,
            pause_note=tx.show_text(row.pause_note, "schedule.pause_note", row.id),
            last_state=None if last is None else last.state, last_reason=None if last is None else last.reason, last_note=None if last is None else last.note,
            waits_for=", ".join(ticks.open_runs(tx, row.id)[:1]), buffered=ticks.crowd_of(tx, row.id).buffered,
            workers=workers,
        ),
        tx.now,
    )  # fmt: skip
    return ScheduleSummary(
        id=row.id, workflow=row.workflow, spec=spec_from_json(from_bytes(row.spec)), overlap=Overlap(row.overlap),
        queue=row.queue, created_at=row.created_at, next_at=row.next_at, runs=row.runs, code=code, why=why,
    )  # fmt: skip


def _live_workers(tx: Tx) -> int:
    alive = tx.now - Thresholds().worker_dead
    count: int = tx.conn.execute(
        select(func.count()).where(worker.c.stopped_at.is_(None), worker.c.seen_at > alive)
    ).scalar_one()
    return count
