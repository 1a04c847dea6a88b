"""What becomes of a tick while a run is open, of ticks that nobody saw, and of those that passed in a pause."""

from datetime import timedelta

import pytest
from tests.runtime.schedules.conftest import Scheduled
from tests.runtime.schedules.flows import broken, fail, greet

from holdfast import Worker
from holdfast._store import ticks
from holdfast.clock import VirtualClock
from holdfast.errors import RunCancelledError, RunTerminatedError
from holdfast.schedules import Interval, Overlap


async def test_skip_leaves_a_tick_out_and_names_the_run_that_was_open(s: Scheduled) -> None:
    schedule = await s.hourly(overlap=Overlap.SKIP)

    for hour in (1, 2):
        await s.at(hours=hour)
    await s.end("hourly-2026-01-01T01:00:00Z")
    await s.at(hours=3)

    assert await s.states(schedule) == ["01:00 started", "02:00 skipped overlap", "03:00 started"]
    skipped = (await s.ticks(schedule))[1]
    assert skipped.note == "run hourly-2026-01-01T01:00:00Z had not ended"
    assert skipped.run_id is None


async def test_ticks_that_a_blocked_run_holds_up_say_so(s: Scheduled) -> None:
    schedule = await s.hourly(broken)
    await s.at(hours=1)
    await s.at(hours=1.5)  # the same bug a second time blocks the run

    await s.at(hours=2)

    why = "run hourly-2026-01-01T01:00:00Z had not ended: it is blocked"
    assert (await s.ticks(schedule))[1].note == why
    async with s.alive():
        summary = (await schedule.describe()).summary
    assert (summary.code, summary.why) == ("skipping", f"its last tick was skipped: {why}")


async def test_buffer_one_keeps_one_tick_until_the_run_has_ended(s: Scheduled) -> None:
    schedule = await s.hourly(overlap=Overlap.BUFFER_ONE)

    for hour in (1, 2, 3):
        await s.at(hours=hour)
    before = await s.states(schedule)
    async with s.alive():
        held = (await schedule.describe()).summary
    await s.end("hourly-2026-01-01T01:00:00Z")

    assert before == ["01:00 started", "02:00 buffered", "03:00 skipped buffer_full"]
    assert (await s.states(schedule))[1] == "02:00 started"
    assert (held.code, held.why) == (
        "held",
        "1 tick(s) wait until run hourly-2026-01-01T01:00:00Z has ended",
    )


async def test_buffer_all_starts_every_tick_one_after_the_other(s: Scheduled) -> None:
    schedule = await s.hourly(overlap=Overlap.BUFFER_ALL)

    for hour in (1, 2, 3):
        await s.at(hours=hour)
    seen = [await s.states(schedule)]
    for hour in (1, 2):
        await s.end(f"hourly-2026-01-01T0{hour}:00:00Z")
        seen.append(await s.states(schedule))

    assert seen == [
        ["01:00 started", "02:00 buffered", "03:00 buffered"],
        ["01:00 started", "02:00 started", "03:00 buffered"],
        ["01:00 started", "02:00 started", "03:00 started"],
    ]


async def test_a_tick_that_waited_still_has_its_own_nominal_time(s: Scheduled) -> None:
    schedule = await s.hourly(greet, overlap=Overlap.BUFFER_ALL)
    s.worker, usual = Worker(s.client), s.worker  # fires, and runs nothing

    for hour in (1, 2):
        await s.at(hours=hour)
    s.worker = usual
    await s.settle()

    assert [await (await s.run(n, schedule)).result() for n in (0, 1)] == [
        "ann 1 01:00",
        "ann 1 02:00",
    ]


async def test_cancel_other_cancels_the_open_run_and_starts_the_tick_when_it_has_ended(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(overlap=Overlap.CANCEL_OTHER)

    for hour in (1, 2):
        await s.at(hours=hour)

    assert await s.states(schedule) == ["01:00 started", "02:00 started"]
    assert (await s.ticks(schedule))[0].outcome == "cancelled"
    with pytest.raises(RunCancelledError):
        await (await s.run(0, schedule)).result()


async def test_a_tick_that_waits_for_a_cancelled_run_gives_way_to_the_next_one(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(overlap=Overlap.CANCEL_OTHER)
    await s.at(hours=1)
    s.worker, usual = Worker(s.client), s.worker  # fires; nobody lets the run cancel itself

    for hour in (2, 3):
        await s.at(hours=hour)
    before = await s.states(schedule)
    s.worker = usual
    await s.settle()

    assert before == ["01:00 started", "02:00 skipped superseded", "03:00 buffered"]
    assert (await s.states(schedule))[2] == "03:00 started"


async def test_terminate_other_ends_the_open_run_at_once(s: Scheduled) -> None:
    schedule = await s.hourly(overlap=Overlap.TERMINATE_OTHER)
    await s.at(hours=1)
    s.worker = Worker(s.client)  # the run's own code is not needed

    await s.at(hours=2)

    assert await s.states(schedule) == ["01:00 started", "02:00 started"]
    with pytest.raises(
        RunTerminatedError, match=r"Run hourly-2026-01-01T01:00:00Z of linger was terminated"
    ):
        await (await s.run(0, schedule)).result()


async def test_allow_all_starts_every_tick_at_its_time(s: Scheduled) -> None:
    schedule = await s.hourly(overlap=Overlap.ALLOW_ALL)

    for hour in (1, 2, 3):
        await s.at(hours=hour)

    assert len((await schedule.describe()).open_runs) == 3


async def test_ticks_that_nobody_saw_fire_up_to_the_window_and_older_ones_are_shown_as_missed(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(
        greet, overlap=Overlap.ALLOW_ALL, catch_up=timedelta(hours=2, minutes=30)
    )

    await s.at(hours=5)

    assert await s.states(schedule) == [
        "01:00 skipped missed", "02:00 skipped missed", "03:00 started", "04:00 started", "05:00 started",
    ]  # fmt: skip
    missed = (await s.ticks(schedule))[0]
    assert missed.note == "no worker looked within the catch-up window of 2 h 30 min"


async def test_a_long_outage_leaves_few_rows_and_says_how_far_they_reach(s: Scheduled) -> None:
    spec = Interval(every=timedelta(seconds=1))
    schedule = await s.hourly(
        greet, spec=spec, overlap=Overlap.ALLOW_ALL, catch_up=timedelta(seconds=10)
    )

    await s.at(hours=24 * 365)

    seen = await s.ticks(schedule)
    missed = [tick for tick in seen if tick.state == "skipped"]
    started = [tick for tick in seen if tick.state == "started"]
    assert len(missed) == 51
    assert missed[-1].through == started[0].at - 1
    assert started[-1].at == s.clock.now_ms
    assert len(started) == 11


async def test_a_paused_schedule_fires_nothing_and_shows_what_passed_when_it_is_resumed(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(greet)
    await s.at(hours=1)

    await schedule.pause(by="ann", note="the mail server is down")
    await s.at(hours=3.5)
    during = await schedule.describe()
    await schedule.resume()
    await s.at(hours=4)

    assert (during.summary.code, during.summary.why) == (
        "paused",
        "paused by ann: the mail server is down",
    )
    assert during.upcoming == ()
    assert await s.states(schedule) == [
        "01:00 started", "02:00 skipped paused", "03:00 skipped paused", "04:00 started",
    ]  # fmt: skip


async def test_a_tick_that_waits_is_not_started_before_its_schedule_is_resumed(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(overlap=Overlap.BUFFER_ONE)
    for hour in (1, 2):
        await s.at(hours=hour)

    await schedule.pause(by="ann")
    await s.end("hourly-2026-01-01T01:00:00Z")
    during = await s.states(schedule)
    await schedule.resume()

    assert during == ["01:00 started", "02:00 buffered"]
    assert await s.states(schedule) == ["01:00 started", "02:00 started"]


async def test_pause_on_failure_pauses_when_a_run_fails_and_says_which(s: Scheduled) -> None:
    schedule = await s.hourly(fail, pause_on_failure=True)
    await s.at(hours=1)

    await s.end("hourly-2026-01-01T01:00:00Z")
    await s.at(hours=2)

    assert await s.states(schedule) == ["01:00 started"]
    assert (await schedule.describe()).summary.why == (
        "paused by holdfast: run hourly-2026-01-01T01:00:00Z failed"
    )


async def test_a_failed_run_lets_the_next_tick_fire_without_pause_on_failure(s: Scheduled) -> None:
    schedule = await s.hourly(fail)
    await s.at(hours=1)

    await s.end("hourly-2026-01-01T01:00:00Z")
    await s.at(hours=2)

    assert await s.states(schedule) == ["01:00 started", "02:00 started"]


async def test_trigger_starts_a_run_now_even_of_a_paused_schedule(s: Scheduled) -> None:
    schedule = await s.hourly(greet)
    await schedule.pause(by="ann")
    await s.at(hours=0.5)

    fired = [await schedule.trigger() for _ in range(2)]
    await s.settle()

    assert fired[0].run_id == "hourly-2026-01-01T00:30:00Z-trigger"
    assert (fired[0].origin, fired[1].state) == ("trigger", "skipped")
    assert await s.client.get(fired[0].run_id).result() == "ann 1 00:30"


async def test_two_triggers_at_one_moment_start_two_runs_when_they_may(s: Scheduled) -> None:
    schedule = await s.hourly()

    fired = [await schedule.trigger(overlap="allow_all") for _ in range(2)]

    assert len({tick.run_id for tick in fired}) == 2


async def test_only_the_last_ticks_are_kept_and_open_runs_with_them(
    s: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "ROWS_KEPT", 20)
    schedule = await s.hourly(spec=Interval(every=timedelta(minutes=1)))

    await s.at(hours=1)

    kept = await s.ticks(schedule)
    assert [kept[0].state, kept[0].at] == ["started", VirtualClock().now_ms + 60_000]
    assert len(kept) == 21
    assert kept[-1].at == s.clock.now_ms
