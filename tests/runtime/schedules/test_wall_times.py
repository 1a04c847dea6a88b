"""When clocks are put forward or back, and every other day: which instants a specification names."""

import calendar
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast._cron import parse
from holdfast._ticking import Timing
from holdfast._walltime import next_wall
from holdfast.errors import ArgumentError
from holdfast.schedules import Calendar, Cron, Interval, Spec, spec_from_json, spec_to_json

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def fires(spec: Spec, zone: str, first: str, last: str) -> list[str]:
    """Return the wall times, with their offsets, at which a specification fires between two UTC dates."""
    begin, end = (ms(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (first, last))
    found = []
    for tick in Timing(schedule="x", spec=spec).ticks(begin - 1):
        if tick.nominal >= end:
            break
        at = datetime.fromtimestamp(tick.nominal / 1000, ZoneInfo(zone))
        found.append(f"{at:%d %H:%M%z}")
    return found


@pytest.mark.parametrize(
    ("zone", "expression", "days", "expected"),
    [
        # Forward: what does not exist fires once, at the shift.
        ("Europe/Berlin", "30 2 * * *", ("2026-03-28", "2026-03-31"),
         ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]),
        ("Europe/Berlin", "*/20 2 * * *", ("2026-03-29", "2026-03-30"), ["29 03:00+0200"]),
        ("Europe/Berlin", "0 2,3 * * *", ("2026-03-29", "2026-03-30"), ["29 03:00+0200"]),
        ("America/New_York", "30 2 * * *", ("2026-03-08", "2026-03-09"), ["08 03:00-0400"]),
        ("Australia/Lord_Howe", "15 2 * * *", ("2026-10-03T12:00", "2026-10-04T12:00"), ["04 02:30+1100"]),
        ("Africa/Casablanca", "30 2 * * *", ("2026-03-22", "2026-03-23"), ["22 03:00+0100"]),
        # Back: what exists twice fires once, the first time.
        ("Europe/Berlin", "30 2 * * *", ("2026-10-24", "2026-10-27"),
         ["24 02:30+0200", "25 02:30+0200", "26 02:30+0100"]),
        ("America/New_York", "*/30 1 * * *", ("2026-11-01", "2026-11-02"), ["01 01:00-0400", "01 01:30-0400"]),
        ("Australia/Lord_Howe", "45 1 * * *", ("2026-04-04T12:00", "2026-04-05T12:00"), ["05 01:45+1100"]),
        ("Africa/Casablanca", "30 2 * * *", ("2026-02-15", "2026-02-16"), ["15 02:30+0100"]),
        # A pattern that names every hour goes on through both.
        ("Europe/Berlin", "0 * * * *", ("2026-10-24T23:00", "2026-10-25T03:00"),
         ["25 01:00+0200", "25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]),
        ("Europe/Berlin", "30 * * * *", ("2026-03-29T00:00", "2026-03-29T03:00"),
         ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200", "29 04:30+0200"]),
    ],
)  # fmt: skip
def test_a_wall_time_that_a_shift_leaves_out_or_repeats_fires_once(
    zone: str, expression: str, days: tuple[str, str], expected: list[str]
) -> None:
    assert fires(Cron(expression, zone=zone), zone, *days) == expected


def test_a_day_that_a_zone_leaves_out_fires_once_where_the_next_one_begins() -> None:
    found = fires(
        Cron("0 9 * * *", zone="Pacific/Apia"), "Pacific/Apia", "2011-12-29", "2011-12-31T12:00"
    )

    assert found == ["29 09:00-1000", "31 00:00+1400", "31 09:00+1400"]


def test_an_interval_is_elapsed_time() -> None:
    spec = Interval(every=timedelta(hours=12), offset=timedelta(hours=6))

    found = fires(spec, "Europe/Berlin", "2026-03-28", "2026-03-30")

    assert found == ["28 07:00+0100", "28 19:00+0100", "29 08:00+0200", "29 20:00+0200"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Cron("0 0 L * *"), ["31 00:00", "28 00:00", "31 00:00"]),
        (Cron("0 0 * * FRI#2"), ["09 00:00", "13 00:00", "13 00:00"]),
        (Cron("0 0 * * 5L"), ["30 00:00", "27 00:00", "27 00:00"]),
        (Cron("0 0 29 2 *"), ["29 00:00", "29 00:00", "29 00:00"]),
        (Cron("0 0 13 * FRI"), ["02 00:00", "09 00:00", "13 00:00"]),  # cron: one of the two is enough
        (Calendar(days=[13], weekdays=["fri"]), ["13 00:00", "13 00:00", "13 00:00"]),
        (Calendar(days=range(-7, 0), weekdays=["fri"]), ["30 00:00", "27 00:00", "27 00:00"]),
        (Calendar(days=[-1], hours=[23], minutes=[59]), ["31 23:59", "28 23:59", "31 23:59"]),
        (Cron("@weekly"), ["04 00:00", "11 00:00", "18 00:00"]),
        (Cron("5/20 6 * JAN-MAR 1-3"), ["05 06:05", "05 06:25", "05 06:45"]),
    ],
)  # fmt: skip
def test_days_that_move_with_the_month(spec: Spec, expected: list[str]) -> None:
    ticks = Timing(schedule="x", spec=spec).upcoming(
        ms(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)), 3
    )

    assert [f"{datetime.fromtimestamp(t.nominal / 1000, UTC):%d %H:%M}" for t in ticks] == expected


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *, special: tuple[str, ...] = ()) -> str:
    number = st.integers(low, high)
    span = st.tuples(st.integers(low, high - 1), number).map(
        lambda pair: f"{pair[0]}-{max(pair[0] + 1, pair[1])}"
    )
    step = st.tuples(st.just("*") | span, st.integers(1, high)).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    one = number.map(str) | span | step
    some = one if not special else one | st.sampled_from(special)
    return draw(st.just("*") | st.lists(some, min_size=1, max_size=3).map(",".join))


EXPRESSIONS = st.tuples(
    fields(0, 59),
    fields(0, 23),
    fields(1, 28, special=("L",)),
    fields(1, 12, special=("JAN", "jul")),
    fields(0, 6, special=("MON", "fri", "7", "5#2", "1L")),
).map(" ".join)
WALLS = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1))  # noqa: DTZ001 - they have no zone
INSTANTS = WALLS.map(lambda at: ms(at.replace(tzinfo=UTC)))


@given(EXPRESSIONS, WALLS)
@settings(max_examples=200, deadline=None)
def test_cron_names_the_same_wall_times_as_another_implementation(
    expression: str, after: datetime
) -> None:
    theirs = CronSim(expression, after.replace(microsecond=0))

    assert next_wall(parse(expression), after.replace(microsecond=0)) == next(theirs)


SPECS: st.SearchStrategy[Spec] = st.one_of(
    st.builds(Cron, EXPRESSIONS, st.sampled_from(ZONES)),
    st.builds(
        lambda hours, minutes, zone: Calendar(hours=hours, minutes=minutes, zone=zone),
        st.sets(st.integers(0, 23), min_size=1),
        st.sets(st.integers(0, 59), min_size=1, max_size=4),
        st.sampled_from(ZONES),
    ),
    st.builds(
        lambda every, offset: Interval(
            every=timedelta(seconds=every), offset=timedelta(seconds=offset % every)
        ),
        st.integers(1, 100_000),
        st.integers(0, 100_000),
    ),
)


@given(SPECS, INSTANTS, st.integers(0, 7_200_000))
@settings(max_examples=100, deadline=None)
def test_ticks_rise_and_jitter_never_reaches_the_next_one(
    spec: Spec, after: int, jitter: int
) -> None:
    ticks = Timing(schedule="x", spec=spec, jitter=jitter).upcoming(after, 12)

    assert after < ticks[0].nominal
    for tick, following in pairwise(ticks):
        assert tick.nominal <= tick.fire_at < following.nominal
        assert tick.fire_at <= tick.nominal + jitter


@given(SPECS, INSTANTS, st.integers(0, 86_400_000 * 40))
@settings(max_examples=100, deadline=None)
def test_the_next_tick_is_the_same_from_wherever_one_looks(
    spec: Spec, after: int, between: int
) -> None:
    timing = Timing(schedule="x", spec=spec)
    tick = timing.after(after)
    assert tick is not None

    nearer = min(after + between, tick.nominal - 1)

    assert timing.after(nearer) == tick


@given(
    st.integers(0, 23), st.integers(0, 59), st.sampled_from(ZONES), st.integers(2015, 2035)
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_a_time_of_day_fires_once_on_every_day_of_a_year(
    hour: int, minute: int, zone: str, year: int
) -> None:
    here = ZoneInfo(zone)
    timing = Timing(schedule="x", spec=Cron(f"{minute} {hour} * * *", zone=zone))

    days = 366 if calendar.isleap(year) else 365
    ticks = timing.upcoming(ms(datetime(year, 1, 1, tzinfo=here)) - 1, days)
    dates = [datetime.fromtimestamp(tick.nominal / 1000, here).date() for tick in ticks]

    assert dates == sorted(set(dates))
    assert (dates[0].isoformat(), dates[-1].isoformat()) == (f"{year}-01-01", f"{year}-12-31")


@given(SPECS)
@settings(deadline=None)
def test_a_specification_comes_back_from_its_row(spec: Spec) -> None:
    assert spec_from_json(spec_to_json(spec)) == spec


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("60 * * * *", r"'60' cannot be read as the minute \(field 1\): expected numbers from 0 to 59"),
        ("* 24 * * *", r"the hour \(field 2\): expected numbers from 0 to 23"),
        ("0 0 0 * *", r"the day of the month \(field 3\): expected numbers from 1 to 31"),
        ("0 0 * MAI *", r"'MAI' cannot be read as the month \(field 4\): expected numbers from 1 to 12 or JAN to DEC"),
        ("0 0 * * 8", r"the weekday \(field 5\): expected numbers from 0 to 7 or SUN to SAT"),
        ("0 0 * * FRI-MON", "the range ends before it begins"),
        ("*/0 * * * *", "a step is a whole number from 1"),
        ("0 0 * * 5#6", "after # comes which one of the month, 1 to 5"),
        ("0 0 * * 1-5#2", "# and L go with one weekday"),
        ("0 0 * *", "4 fields; expected 5"),
        ("", "0 fields; expected 5"),
        ("0 0 * * * 2026", "6 fields; expected 5"),
        ("@fortnightly", "no such shorthand; there are @yearly"),
        ("0 0 30 2 *", "names a date that never comes"),
        ("1,,2 * * * *", r"'' cannot be read as the minute"),
        ("٣ * * * *", r"cannot be read as the minute"),
    ],
)  # fmt: skip
def test_a_cron_expression_that_cannot_be_read_is_refused_with_its_field(
    expression: str, said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        Cron(expression)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Cron("@daily", zone="Europe/Berln"), "no such time zone.*Did you mean Europe/Berlin"),
        (lambda: Cron("@daily", zone="../../etc/passwd"), "no such time zone"),
        (lambda: Cron("@daily", zone=""), "no such time zone"),
        (lambda: Interval(every=timedelta(0)), "expected 1 s to 100 years"),
        (lambda: Interval(every=timedelta(days=-1)), "expected 1 s to 100 years"),
        (lambda: Interval(every=timedelta(seconds=1, microseconds=1)), "in whole milliseconds"),
        (lambda: Interval(every=timedelta(hours=1), offset=timedelta(hours=1)), "less than every"),
        (lambda: Calendar(months=[13]), r"Calendar\(months=…\): 13 is not one of 1 to 12"),
        (lambda: Calendar(days=[0]), r"Calendar\(days=…\): 0 is not one of 1 to 31"),
        (lambda: Calendar(weekdays=["Monday"]), r"'Monday' is not one of mon, tue"),
        (lambda: Calendar(weekdays="mon"), r"Calendar\(weekdays='mon'\): expected a list"),
        (lambda: Calendar(hours=[]), r"Calendar\(hours=\[\]\): expected a list of 0 to 23"),
        (lambda: Calendar(minutes=[True]), "True is not one of 0 to 59"),
        (lambda: Calendar(months=[2], days=[30]), "names a date that never comes"),
    ],
)  # fmt: skip
def test_a_specification_that_cannot_be_meant_is_refused(make: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        make()  # type: ignore[operator]
