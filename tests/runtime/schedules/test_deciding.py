"""The decision on ticks, whatever the specification, the policy and the time since anybody looked."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast._ticking import (
    BUFFER_LIMIT,
    Buffer,
    Crowd,
    Plan,
    Replace,
    Rules,
    Skip,
    Start,
    Timing,
    passed,
    place,
    plan,
)
from holdfast.schedules import Cron, Interval, Overlap

BEGIN = 1_774_000_000_000  # 2026-03-20, so that a shift of the clocks lies ahead
TIMINGS = st.builds(
    Timing,
    schedule=st.just("x"),
    spec=st.sampled_from(
        [
            Interval(every=timedelta(seconds=1)),
            Interval(every=timedelta(minutes=7), offset=timedelta(minutes=3)),
            Cron("*/5 * * * *", zone="Europe/Berlin"),
            Cron("30 2 * * *", zone="Europe/Berlin"),
        ]
    ),
    jitter=st.integers(0, 600_000),
)
AGES = st.integers(0, 20 * 86_400_000)
CROWDS = st.builds(Crowd, open=st.integers(0, 2), buffered=st.integers(0, 2))


def plans(timing: Timing, rules: Rules, crowd: Crowd, now: int) -> list[Plan]:
    """Plan until nothing is due, as one look after the other does."""
    made: list[Plan] = []
    due = timing.after(BEGIN)
    while due is not None and due.fire_at <= now:
        made.append(plan(timing, rules, crowd, due=due, now=now))
        for step in made[-1].steps:
            crowd = crowd.joined_by(step)
        due = made[-1].next
    return made


@given(TIMINGS, st.sampled_from(Overlap), CROWDS, AGES, st.integers(10_000, 400_000))
@settings(max_examples=100, deadline=None)
def test_every_tick_is_decided_on_once_and_in_order(
    timing: Timing, overlap: Overlap, crowd: Crowd, age: int, catch_up: int
) -> None:
    now = BEGIN + age

    made = plans(timing, Rules(overlap=overlap, catch_up=catch_up), crowd, now)

    at = BEGIN
    for step in (step for one in made for step in one.steps):
        expected = timing.after(at)
        assert step.tick == expected
        at = step.tick.nominal
        if isinstance(step, Skip) and step.through is not None:
            assert at < step.through < now - catch_up
            at = step.through
    following = timing.after(at)
    assert following is None or following.fire_at > now
    if made:
        assert made[-1].next == following


@given(TIMINGS, st.sampled_from(Overlap), AGES, st.integers(10_000, 400_000))
@settings(max_examples=60, deadline=None)
def test_a_tick_is_missed_when_it_is_older_than_the_window_and_only_then(
    timing: Timing, overlap: Overlap, age: int, catch_up: int
) -> None:
    now = BEGIN + age

    made = plans(timing, Rules(overlap=overlap, catch_up=catch_up), Crowd(), now)

    for step in (step for one in made for step in one.steps):
        late = now - step.tick.fire_at > catch_up
        assert late == (isinstance(step, Skip) and step.reason == "missed")


@given(TIMINGS, st.sampled_from(Overlap), AGES, st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_no_more_ticks_are_accepted_than_remain(
    timing: Timing, overlap: Overlap, age: int, remaining: int
) -> None:
    due = timing.after(BEGIN)
    assert due is not None
    rules = Rules(overlap=overlap, catch_up=400_000, remaining=remaining)

    made = plan(timing, rules, Crowd(), due=due, now=BEGIN + age)

    assert made.accepted <= remaining
    assert made.accepted < remaining or made.next is None


@given(st.sampled_from(Overlap), CROWDS)
def test_a_tick_starts_beside_an_open_run_only_where_all_may_run(
    overlap: Overlap, crowd: Crowd
) -> None:
    tick = Timing(schedule="x", spec=Interval(every=timedelta(hours=1))).after(BEGIN)
    assert tick is not None

    step = place(tick, overlap, crowd)

    free = not crowd.open and not crowd.buffered
    assert isinstance(step, Start) == (free or overlap is Overlap.ALLOW_ALL)
    if isinstance(step, Buffer):
        assert overlap is Overlap.BUFFER_ALL or not crowd.buffered
    if isinstance(step, Replace):
        assert step.terminate == (overlap is Overlap.TERMINATE_OTHER)


def test_a_buffer_has_an_end() -> None:
    tick = Timing(schedule="x", spec=Interval(every=timedelta(hours=1))).after(BEGIN)
    assert tick is not None

    kept, left_out = (
        place(tick, Overlap.BUFFER_ALL, Crowd(open=1, buffered=count))
        for count in (BUFFER_LIMIT - 1, BUFFER_LIMIT)
    )

    assert isinstance(kept, Buffer)
    assert isinstance(left_out, Skip)


@given(TIMINGS, AGES)
@settings(max_examples=60, deadline=None)
def test_what_passed_in_a_pause_is_skipped_whole_and_the_next_tick_is_to_come(
    timing: Timing, age: int
) -> None:
    now = BEGIN + age

    made = passed(timing, first=timing.after(BEGIN), now=now)

    assert len(made.steps) <= 51
    assert made.accepted == 0
    assert made.next == timing.after(max(BEGIN, now))
