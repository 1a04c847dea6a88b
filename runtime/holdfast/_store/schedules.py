"""Verbs of schedules: create, change, pause, trigger, back-fill, delete."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from sqlalchemy import delete, insert, select, update

from holdfast._store import ticks
from holdfast._store.database import Tx
from holdfast._store.records import NewSchedule
from holdfast._store.starting import known_run
from holdfast._store.tables import schedule, schedule_tick
from holdfast._ticking import BUFFER_LIMIT, Plan, Tick, TickState, Timing, passed, place, run_id_of
from holdfast.errors import ArgumentError, ScheduleExistsError, UnknownScheduleError, UsageError
from holdfast.schedules import Overlap


def schedule_row(tx: Tx, schedule_id: str, *, lock: bool = False) -> Any:
    """Return the row of a schedule, or raise `UnknownScheduleError`."""
    query = select(schedule).where(schedule.c.id == schedule_id)
    row = tx.conn.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise UnknownScheduleError(
            f"There is no schedule {schedule_id!r} in this database. `holdfast schedule list` lists them."
        )
    return row


def create(tx: Tx, new: NewSchedule) -> bool:
    """Insert a schedule; False when the same request has already made it."""
    known = tx.conn.execute(select(schedule.c.request).where(schedule.c.id == new.id)).scalar()
    if known is not None:
        if tx.unpack(known, "schedule.request", new.id)["digest"] == new.digest:
            return False
        raise ScheduleExistsError(
            f"Schedule {new.id!r} exists already, and is another one. Change it with `holdfast schedule update`, or "
            "choose another id."
        )
    request = {
        "args": new.args,
        "attributes": dict(new.attributes),
        "accepts": dict(new.accepts),
        "digest": new.digest,
    }
    sealed = tx.pack(request, "schedule.request", new.id)
    tx.conn.execute(
        insert(schedule).values(
            id=new.id, workflow=new.workflow, entry=new.entry, queue=new.queue, request=sealed,
            priority=new.priority, spec=new.spec, overlap=new.overlap,
            catch_up_ms=new.catch_up_ms, jitter_ms=new.jitter_ms, start_at=new.start_at, end_at=new.end_at,
            max_runs=new.max_runs, pause_on_failure=new.pause_on_failure, timeout_ms=new.timeout_ms,
            retry_budget=new.retry_budget, created_at=tx.now, updated_at=tx.now, runs=0,
        )
    )  # fmt: skip
    _aim(tx, schedule_row(tx, new.id))
    if schedule_row(tx, new.id).next_at is None:
        raise ArgumentError(
            f"Schedule {new.id!r} has no tick from now on: its end has passed, or no tick comes before it. Nothing was made."
        )
    if new.paused_by is not None:
        ticks.hold(tx, new.id, by=new.paused_by, note=new.pause_note)
    return True


def _aim(tx: Tx, row: Any) -> None:
    """Let the next tick of a schedule be the first one from now on."""
    left = row.max_runs is None or row.runs < row.max_runs
    ticks.go_on(tx, row, Plan(steps=(), next=ticks.timing_of(row).after(tx.now) if left else None))


def pause(tx: Tx, schedule_id: str, *, by: str, note: str) -> None:
    """Let no tick of a schedule fire until it is resumed."""
    row = schedule_row(tx, schedule_id, lock=True)
    if row.paused_at is not None:
        raise UsageError(
            f"Schedule {schedule_id} was paused by {row.paused_by} already; nothing was changed. "
            f"Let it go on with: holdfast schedule resume {schedule_id}"
        )
    ticks.hold(tx, schedule_id, by=by, note=note)


def resume(tx: Tx, schedule_id: str, *, flags: int) -> None:
    """Let a paused schedule go on from now; the ticks that have passed are recorded as skipped."""
    row = schedule_row(tx, schedule_id, lock=True)
    if row.paused_at is None:
        raise UsageError(f"Schedule {schedule_id} is not paused; nothing was changed.")
    ticks.go_on(tx, row, _record_passed(tx, row, flags=flags))
    tx.conn.execute(
        update(schedule)
        .where(schedule.c.id == schedule_id)
        .values(paused_at=None, paused_by=None, pause_note=None)
    )
    ticks.release(tx, row, flags=flags)


def _record_passed(tx: Tx, row: Any, *, flags: int) -> Plan:
    timing = ticks.timing_of(row)
    first = None if row.next_nominal is None else timing.after(row.next_nominal - 1)
    made = passed(timing, first=first, now=tx.now)
    ticks.carry_out(tx, row, made.steps, origin="schedule", flags=flags)
    return made


def change(
    tx: Tx,
    schedule_id: str,
    values: Mapping[str, Any],
    *,
    request: Mapping[str, Any],
    flags: int,
) -> None:
    """Change columns of a schedule, and what it starts; what is due by its old ones is decided on first."""
    row = schedule_row(tx, schedule_id, lock=True)
    ticks.attend(tx, row, flags=flags)
    row = schedule_row(tx, schedule_id)
    if row.paused_at is not None:
        _record_passed(tx, row, flags=flags)
    old = tx.unpack(row.request, "schedule.request", schedule_id)
    # A digest that fits nothing: to create the schedule as it was before is no repetition any more.
    asked = {**old, **request, "digest": ""}
    tx.conn.execute(
        update(schedule)
        .where(schedule.c.id == schedule_id)
        .values(
            **values,
            request=tx.pack(asked, "schedule.request", schedule_id),
            updated_at=tx.now,
        )
    )
    _aim(tx, schedule_row(tx, schedule_id))
    if row.paused_at is not None:
        tx.conn.execute(update(schedule).where(schedule.c.id == schedule_id).values(next_at=None))


def remove(tx: Tx, schedule_id: str) -> None:
    """Delete a schedule with what is known of its ticks; its runs go on."""
    schedule_row(tx, schedule_id, lock=True)
    tx.conn.execute(delete(schedule_tick).where(schedule_tick.c.schedule == schedule_id))
    tx.conn.execute(delete(schedule).where(schedule.c.id == schedule_id))


def trigger(tx: Tx, schedule_id: str, overlap: Overlap | None, *, flags: int) -> Any:
    """Let a schedule fire once now, paused or not, and return the row of that tick."""
    row = schedule_row(tx, schedule_id, lock=True)
    nominal = tx.now
    while ticks.tick_row(tx, row.id, run_id_of(row.id, nominal, triggered=True)) is not None:
        nominal += 1
    crowd = ticks.crowd_of(tx, row.id)
    step = place(Tick(nominal=nominal, fire_at=tx.now), overlap or Overlap(row.overlap), crowd)
    ticks.carry_out(tx, row, [step], origin="trigger", flags=flags)
    if row.paused_at is None or not crowd.buffered:
        ticks.release(tx, row, flags=flags)
    return ticks.tick_row(tx, row.id, run_id_of(row.id, nominal, triggered=True))


def backfill(
    tx: Tx, schedule_id: str, first: int, last: int, overlap: Overlap, *, flags: int
) -> list[Any]:
    """Decide anew on the ticks of a range that were not started, and return their rows."""
    if last > tx.now:
        raise ArgumentError(
            "backfill(…): the range ends in the future; expected an end that has passed. Ticks to come fire by themselves."
        )
    row = schedule_row(tx, schedule_id, lock=True)
    ticks.attend(tx, row, flags=flags)
    timing = Timing(schedule=row.id, spec=ticks.timing_of(row).spec)
    found: list[int] = []
    for tick in takewhile(lambda tick: tick.nominal <= last, timing.ticks(first - 1)):
        found.append(tick.nominal)
        if len(found) > BUFFER_LIMIT:
            raise ArgumentError(
                f"backfill(…): the range has more than {BUFFER_LIMIT} ticks; nothing was started. Give a shorter range, "
                "and the next one when its runs have ended."
            )
    return [
        made
        for nominal in found
        if (made := _fill(tx, row, nominal, overlap, flags=flags)) is not None
    ]


def _fill(tx: Tx, row: Any, nominal: int, overlap: Overlap, *, flags: int) -> Any:
    run_id = run_id_of(row.id, nominal)
    known = ticks.tick_row(tx, row.id, run_id)
    taken = {TickState.STARTED.value, TickState.BUFFERED.value}
    if (known is not None and known.state in taken) or known_run(tx, run_id) is not None:
        return None
    tx.conn.execute(
        delete(schedule_tick).where(
            schedule_tick.c.schedule == row.id, schedule_tick.c.run_id == run_id
        )
    )
    step = place(Tick(nominal=nominal, fire_at=tx.now), overlap, ticks.crowd_of(tx, row.id))
    ticks.carry_out(tx, row, [step], origin="backfill", flags=flags)
    if row.paused_at is None:
        ticks.release(tx, row, flags=flags)
    return ticks.tick_row(tx, row.id, run_id)
