"""A schedule starts a run at each of its ticks, whichever worker looks."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.runtime.schedules.conftest import Scheduled
from tests.runtime.schedules.flows import greet, linger, relay

from holdfast import Client, Worker
from holdfast._store import ticks
from holdfast.clock import VirtualClock, instant
from holdfast.schedules import Cron, Interval, Overlap

HOUR = timedelta(hours=1)


async def test_each_tick_starts_a_run_that_knows_its_nominal_time(s: Scheduled) -> None:
    schedule = await s.hourly(greet)

    for hour in (1, 2):
        await s.at(hours=hour)

    runs = [await (await s.run(number, schedule)).result() for number in (0, 1)]
    assert runs == ["ann 1 01:00", "ann 1 02:00"]
    assert [run.id for run in await s.client.list(schedule="hourly")] == [
        "hourly-2026-01-01T02:00:00Z",
        "hourly-2026-01-01T01:00:00Z",
    ]


async def test_a_run_knows_the_time_of_its_tick_however_late_it_begins(s: Scheduled) -> None:
    schedule = await s.hourly(greet)

    await s.at(hours=1.4)

    assert await (await s.run(0, schedule)).result() == "ann 1 01:00"


async def test_what_is_known_of_a_run_names_its_schedule(s: Scheduled) -> None:
    schedule = await s.hourly(linger)
    await s.at(hours=1)

    detail = await (await s.run(0, schedule)).describe()

    assert detail.schedule == "hourly"
    assert instant(detail.scheduled_for or 0) == datetime(2026, 1, 1, 1, tzinfo=UTC)


async def test_a_worker_without_the_workflow_fires_the_schedule_for_one_that_has_it(
    s: Scheduled, client: Client, clock: VirtualClock
) -> None:
    schedule = await s.hourly(greet)
    clock.advance(HOUR)

    await Worker(client, queue="elsewhere").run_until_idle()

    assert await s.states(schedule) == ["01:00 started"]


async def test_workers_that_look_at_one_tick_at_once_start_one_run(
    s: Scheduled, store: str | Path, clock: VirtualClock
) -> None:
    """Each has connections and threads of its own, and all of them find the tick due."""
    schedule = await s.hourly(greet, overlap=Overlap.ALLOW_ALL)
    clock.advance(HOUR)
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(contextlib.closing(Client(store, clock=clock))) for _ in range(4)
        ]

        fired = await asyncio.gather(
            *(client.database.write(ticks.fire_due, limit=10, flags=0) for client in clients)
        )

    assert sorted(fired) == [0, 0, 0, 1]
    assert len(await s.client.list(schedule="hourly")) == 1
    assert await s.states(schedule) == ["01:00 started"]


async def test_an_idle_worker_knows_when_the_next_tick_fires(s: Scheduled) -> None:
    await s.hourly(greet)

    due = await s.worker.next_due()

    assert due == VirtualClock().now_ms + 3_600_000


async def test_nothing_fires_before_its_time(s: Scheduled) -> None:
    schedule = await s.hourly(greet)

    await s.at(hours=0.999)

    assert await s.states(schedule) == []


async def test_no_tick_is_before_the_start_or_after_the_end(s: Scheduled) -> None:
    begin, end = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (2, 3))
    schedule = await s.hourly(greet, start=begin, end=end)

    for hour in range(1, 6):
        await s.at(hours=hour)

    assert await s.states(schedule) == ["02:00 started", "03:00 started"]
    assert (await schedule.describe()).summary.code == "ended"


async def test_max_runs_ends_a_schedule_and_skipped_ticks_do_not_count(s: Scheduled) -> None:
    schedule = await s.hourly(linger, max_runs=2)

    await s.at(hours=1)
    await s.at(hours=2)  # the first run is still open
    await s.end((await s.run(0, schedule)).id)
    await s.at(hours=3)
    await s.at(hours=4)

    assert await s.states(schedule) == ["01:00 started", "02:00 skipped overlap", "03:00 started"]
    assert (await schedule.describe()).upcoming == ()


async def test_jitter_delays_a_tick_by_the_same_time_for_every_reader(s: Scheduled) -> None:
    schedule = await s.hourly(greet, jitter=timedelta(minutes=30))
    first, second = [(await schedule.describe(upcoming=1)).upcoming[0] for _ in range(2)]

    s.clock.advance_to(first - 1)
    await s.settle()
    before = await s.states(schedule)
    s.clock.advance_to(first)
    await s.settle()

    assert first == second
    assert 0 <= first - (VirtualClock().now_ms + 3_600_000) <= 30 * 60_000
    assert before == []
    assert await s.states(schedule) == ["01:00 started"]


async def test_a_run_that_continues_as_new_is_still_that_of_its_tick(s: Scheduled) -> None:
    schedule = await s.client.create_schedule("relay", relay, 1, spec=Interval(every=HOUR))
    s.worker = Worker(s.client, workflows=[relay])
    await s.at(hours=1)
    await s.at(hours=2)
    open_runs = (await schedule.describe()).open_runs
    await s.end("relay-2026-01-01T01:00:00Z")

    assert open_runs == ("relay-2026-01-01T01:00:00Z~2",)
    assert await s.states(schedule) == ["01:00 started", "02:00 skipped overlap"]
    first = (await s.ticks(schedule))[0]
    assert first.outcome == "completed"
    assert await s.client.get(first.run_id or "").result() == "2 for 01:00"


async def test_a_fork_of_a_scheduled_run_is_none_of_the_schedule(s: Scheduled) -> None:
    schedule = await s.hourly(linger)
    await s.at(hours=1)
    run = await s.run(0, schedule)

    fork = await run.fork(at=1)
    await s.settle()

    assert (await fork.describe()).schedule is None
    assert (await schedule.describe()).open_runs == (run.id,)


async def test_a_run_id_that_is_taken_fails_the_tick_and_the_next_one_fires(s: Scheduled) -> None:
    schedule = await s.hourly(greet)
    await s.client.start(linger, "bob", id="hourly-2026-01-01T01:00:00Z")

    await s.at(hours=1)
    failing = (await schedule.describe()).summary
    await s.at(hours=2)

    assert failing.code == "failing"
    assert "there is a run hourly-2026-01-01T01:00:00Z already" in failing.why
    assert await s.states(schedule) == ["01:00 failed refused", "02:00 started"]


@pytest.mark.parametrize(
    ("after", "workers", "code"),
    [(0, 0, "unattended"), (3_700, 0, "late"), (0, 1, "active")],
)
async def test_a_schedule_that_nobody_fires_says_so(
    s: Scheduled, after: int, workers: int, code: str
) -> None:
    schedule = await s.hourly(greet)
    s.clock.advance(timedelta(seconds=after))
    async with s.alive() if workers else contextlib.nullcontext():
        summary = (await schedule.describe()).summary

    assert summary.code == code
    assert ("no worker is alive" in summary.why) == (workers == 0)


async def test_cron_ticks_follow_the_wall_clock_of_their_zone(s: Scheduled) -> None:
    schedule = await s.client.create_schedule(
        "morning", greet, "ann", spec=Cron("0 9 * * *", zone="Europe/Berlin")
    )

    upcoming = (await schedule.describe(upcoming=100)).upcoming

    winter, summer = instant(upcoming[0]), instant(upcoming[99])
    assert (winter.hour, summer.hour) == (8, 7)
