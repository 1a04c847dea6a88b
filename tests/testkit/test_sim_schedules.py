"""Schedules in a simulation: weeks of ticks in milliseconds."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast import activity, workflow
from holdfast.clock import instant
from holdfast.schedules import Cron, Interval
from holdfast_testkit import Sim
from holdfast_testkit.harness import SimStuckError

MONDAYS = Cron("0 9 * * MON", zone="Europe/Berlin")


@activity.define
async def send(week: int) -> None:
    raise NotImplementedError


@workflow.define
async def report(days: int = 0) -> str:
    week = workflow.info().scheduled_for
    assert week is not None
    await send(week.isocalendar().week)
    await workflow.sleep(timedelta(days=days))
    return f"{week:%d %b %H:%M}"


def test_ticks_follow_one_another_over_a_shift_of_the_clocks() -> None:
    with Sim(start=datetime(2026, 3, 20, tzinfo=UTC)) as sim:
        sent = sim.fake(send).returns(None)
        schedule = sim.schedule("weekly", report, spec=MONDAYS)

        ticks = [sim.next_tick(schedule) for _ in range(3)]

        assert [f"{instant(tick.at):%d %b %H:%M}" for tick in ticks] == [
            "23 Mar 08:00", "30 Mar 07:00", "06 Apr 07:00",
        ]  # fmt: skip
        assert [tick.state for tick in ticks] == ["started", "started", "started"]
        assert sim.result(sim.run_of(ticks[0])) == "23 Mar 08:00"
        assert sent.calls == [(13,), (14,), (15,)]


def test_a_tick_that_an_open_run_holds_up_is_shown_as_skipped() -> None:
    with Sim(start=datetime(2026, 3, 20, tzinfo=UTC)) as sim:
        sim.fake(send).returns(None)
        schedule = sim.schedule("weekly", report, 10, spec=Interval(every=timedelta(days=7)))
        first = sim.next_tick(schedule)

        second = sim.next_tick(schedule)

        assert (first.state, second.state) == ("started", "skipped")
        with pytest.raises(
            SimStuckError, match=r"has started no run, it is skipped: run weekly-.* had not ended"
        ):
            sim.run_of(second)


def test_a_schedule_without_a_next_tick_says_why() -> None:
    with Sim() as sim:
        sim.fake(send).returns(None)
        schedule = sim.schedule("once", report, spec=MONDAYS, max_runs=1)
        sim.next_tick(schedule)

        with pytest.raises(SimStuckError, match="Schedule once has no tick to go to: "):
            sim.next_tick(schedule)
