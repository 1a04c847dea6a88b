"""Back-fills, updates and deletion; creating again, and every wrong input."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.runtime.schedules.conftest import Scheduled
from tests.runtime.schedules.flows import greet, linger

from holdfast._store.rows import run_row
from holdfast.errors import (
    ArgumentError,
    PayloadError,
    ScheduleExistsError,
    UnknownScheduleError,
    UnknownWorkflowError,
    UsageError,
)
from holdfast.schedules import Cron, Interval, Overlap

DAILY = Cron("0 0 * * *")


def hour(number: int) -> datetime:
    return datetime(2026, 1, 1, number, tzinfo=UTC)


async def test_a_back_fill_fires_what_was_not_started_and_twice_starts_nothing_twice(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(greet)
    await s.at(hours=1)
    await schedule.pause(by="ann")
    await s.at(hours=4)
    await schedule.resume()

    first = await schedule.backfill(hour(0), hour(4))
    again = await schedule.backfill(hour(0), hour(4))
    await s.settle()

    assert [tick.state for tick in first] == ["started", "buffered", "buffered", "buffered"]
    assert again == []
    assert await s.states(schedule) == [f"0{number}:00 started" for number in range(5)]
    assert [tick.origin for tick in await s.ticks(schedule)] == [
        "backfill", "schedule", "backfill", "backfill", "backfill",
    ]  # fmt: skip
    assert await (await s.run(2, schedule)).result() == "ann 1 02:00"


async def test_a_back_fill_of_a_paused_schedule_is_not_undone_when_it_is_resumed(
    s: Scheduled,
) -> None:
    schedule = await s.hourly(greet)
    await schedule.pause(by="ann")
    await s.at(hours=2)

    await schedule.backfill(hour(1), hour(1), overlap=Overlap.ALLOW_ALL)
    await schedule.resume()
    await s.settle()
    await s.at(hours=3)

    assert await s.states(schedule) == ["01:00 started", "02:00 skipped paused", "03:00 started"]


@pytest.mark.construct("Client.create_schedule")
async def test_a_back_fill_takes_ticks_from_before_the_schedule_was_made(s: Scheduled) -> None:
    schedule = await s.client.create_schedule("daily", greet, "ann", spec=DAILY)
    begin = datetime(2025, 12, 28, tzinfo=UTC)

    ticks = await schedule.backfill(begin, begin + timedelta(days=2), overlap="allow_all")

    assert [tick.run_id for tick in ticks] == [
        f"daily-2025-12-{day}T00:00:00Z" for day in (28, 29, 30)
    ]


async def test_a_back_fill_that_is_too_long_starts_nothing(s: Scheduled) -> None:
    schedule = await s.client.create_schedule("fast", greet, "ann", spec=Interval(every=timedelta(seconds=1)))  # fmt: skip

    with pytest.raises(ArgumentError, match="more than 1000 ticks; nothing was started"):
        await schedule.backfill(hour(0) - timedelta(days=1), hour(0))

    assert await s.states(schedule) == []


async def test_an_update_changes_what_is_given_and_keeps_the_rest(s: Scheduled) -> None:
    schedule = await s.hourly(greet, jitter=timedelta(0), max_runs=9)
    await s.at(hours=1)

    await schedule.update(spec=Interval(every=timedelta(minutes=30)), args=["bob", 2])
    await s.at(hours=1.5)

    assert await s.states(schedule) == ["01:00 started", "01:30 started"]
    assert [await (await s.run(n, schedule)).result() for n in (0, 1)] == [
        "ann 1 01:00",
        "bob 2 01:30",
    ]
    assert (await schedule.describe()).max_runs == 9


async def test_what_was_due_before_an_update_fires_by_the_old_rules(s: Scheduled) -> None:
    schedule = await s.hourly(greet)
    s.clock.advance(timedelta(hours=1))

    await schedule.update(spec=DAILY)

    assert await s.states(schedule) == ["01:00 started"]


async def test_an_update_of_a_paused_schedule_leaves_it_paused(s: Scheduled) -> None:
    schedule = await s.hourly(greet)
    await schedule.pause(by="ann")
    await s.at(hours=1)

    await schedule.update(spec=Interval(every=timedelta(minutes=10)))
    await s.at(hours=1.25)
    await schedule.resume()
    await s.at(hours=1.34)

    assert await s.states(schedule) == [
        "01:00 skipped paused", "01:10 skipped paused", "01:20 started",
    ]  # fmt: skip


async def test_a_schedule_that_has_ended_goes_on_when_its_bound_is_moved(s: Scheduled) -> None:
    schedule = await s.hourly(greet, max_runs=1)
    for number in (1, 2):
        await s.at(hours=number)

    await schedule.update(max_runs=2)
    await s.at(hours=3)

    assert await s.states(schedule) == ["01:00 started", "03:00 started"]


async def test_runs_go_on_when_their_schedule_is_deleted(s: Scheduled) -> None:
    schedule = await s.hourly()
    await s.at(hours=1)

    await schedule.delete()
    await s.at(hours=3)
    await s.end("hourly-2026-01-01T01:00:00Z")

    assert await s.client.get("hourly-2026-01-01T01:00:00Z").result() is True
    assert await s.client.list_schedules() == []
    with pytest.raises(UnknownScheduleError, match="There is no schedule 'hourly'"):
        await schedule.describe()


async def test_creating_the_same_schedule_again_changes_nothing(s: Scheduled) -> None:
    await s.hourly(greet)
    await s.at(hours=1)

    again = await s.hourly(greet)

    assert await s.states(again) == ["01:00 started"]


@pytest.mark.parametrize(
    "other", [{"overlap": Overlap.ALLOW_ALL}, {"spec": DAILY}, {"flow": linger}, {"max_runs": 3}]
)
async def test_another_schedule_with_the_same_id_is_refused(
    s: Scheduled, other: dict[str, Any]
) -> None:
    await s.hourly(greet)

    with pytest.raises(ScheduleExistsError, match="'hourly' exists already, and is another one"):
        await s.hourly(**{"flow": greet, **other})


async def test_a_schedule_may_begin_paused(s: Scheduled) -> None:
    schedule = await s.hourly(greet, paused_by="ann", note="not yet")
    await s.at(hours=1)

    assert (await schedule.describe()).summary.why == "paused by ann: not yet"
    assert await s.states(schedule) == []


@pytest.mark.construct("Client.list_schedules")
async def test_schedules_are_listed_by_their_ids(s: Scheduled) -> None:
    for name in ("b", "a"):
        await s.hourly(name=name)

    assert [item.id for item in await s.client.list_schedules()] == ["a", "b"]
    assert [item.id for item in await s.client.list_schedules(after="a")] == ["b"]


async def test_runs_are_given_what_their_schedule_says(s: Scheduled) -> None:
    await s.hourly(
        greet,
        attributes={"customer": "acme"},
        priority=2,
        timeout=timedelta(hours=3),
        retry_budget=4,
    )
    await s.at(hours=1)

    [found] = await s.client.list(where={"customer": "acme"})
    row = await s.client.database.read(run_row, found.id)
    assert (row.priority, row.timeout_ms, row.retry_budget) == (2, 10_800_000, 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"catch_up": timedelta(seconds=-1)}, r"create_schedule\(catch_up=.*a timedelta of 0:00:10 or more"),
        ({"catch_up": 60}, r"catch_up=60\): expected a timedelta of"),
        ({"jitter": timedelta(seconds=-1)}, r"jitter=.*a timedelta of 0:00:00 or more"),
        ({"overlap": "queue"}, r"create_schedule\(overlap='queue'\): expected one of skip, buffer_one"),
        ({"max_runs": 0}, r"max_runs=0\): expected a whole number, 1 or more"),
        ({"start": datetime(2026, 1, 1)}, "expected a datetime with a time zone"),  # noqa: DTZ001
        ({"start": hour(3), "end": hour(2)}, "it ends before it starts"),
        ({"end": hour(0) - timedelta(days=1)}, "has no tick from now on"),
        ({"timeout": timedelta(0)}, r"timeout=.*expected a timedelta of"),
        ({"retry_budget": -1}, "expected a number of retries, 0 or more, or None"),
        ({"priority": 0}, "priority=0.*expected 1, which goes first"),
        ({"pause_on_failure": "yes"}, "expected True or False"),
        ({"queue": " "}, "expected a str, the name of a queue"),
        ({"spec": "0 0 * * *"}, "expected a Cron, Interval or Calendar"),
        ({"attributes": {"a<": 1}}, "Attribute 'a<'"),
        ({"paused_by": " "}, r"create_schedule\(by=…\) needs 1 to 200 characters"),
        ({"every": 3}, r"create_schedule\(every=…\): there is no such option; expected attributes, catch_up"),
        ({"name": "a/b"}, "cannot be a run id"),
        ({"name": "x" * 161}, "expected at most 160"),
    ],
)  # fmt: skip
async def test_a_schedule_that_cannot_be_meant_is_refused_and_not_made(
    local: Scheduled, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        await local.hourly(greet, **options)

    assert await local.client.list_schedules() == []


async def test_arguments_are_checked_when_the_schedule_is_made_and_changed(s: Scheduled) -> None:
    with pytest.raises(ArgumentError, match=r"greet.*cannot be called so"):
        await s.client.create_schedule("x", greet, spec=DAILY)
    with pytest.raises(PayloadError, match="Argument 'times' of greet cannot be encoded as int"):
        await s.client.create_schedule("x", greet, "ann", "many", spec=DAILY)
    with pytest.raises(UnknownWorkflowError):
        await s.client.create_schedule("x", "nowhere:flow", spec=DAILY)
    schedule = await s.hourly(greet)
    with pytest.raises(ArgumentError, match="cannot be called so"):
        await schedule.update(args=[])

    assert (await schedule.describe()).args == ["ann", 1]


@pytest.mark.construct("Client.get_schedule")
async def test_what_changes_nothing_is_refused(s: Scheduled) -> None:
    schedule = await s.hourly(greet)

    with pytest.raises(ArgumentError, match="nothing to change was given"):
        await schedule.update()
    with pytest.raises(UsageError, match="is not paused"):
        await schedule.resume()
    await schedule.pause(by="ann")
    with pytest.raises(
        UsageError, match=r"was paused by ann already.*holdfast schedule resume hourly"
    ):
        await schedule.pause(by="bob")
    with pytest.raises(ArgumentError, match="ends in the future"):
        await schedule.backfill(hour(0), hour(9))
    with pytest.raises(ArgumentError, match="ends before it begins"):
        await schedule.backfill(hour(0), hour(0) - timedelta(hours=1))
    with pytest.raises(UnknownScheduleError, match="`holdfast schedule list` lists them"):
        await s.client.get_schedule("nobody").trigger()
