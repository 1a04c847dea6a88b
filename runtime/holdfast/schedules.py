"""When a schedule fires and what happens when its runs overlap, as values."""

import difflib
import functools
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, assert_never

from holdfast._cron import parse
from holdfast._events import Json
from holdfast._walltime import (
    DAYS,
    HOURS,
    MINUTES,
    MONTHS,
    Pattern,
    next_instant,
    next_wall,
)
from holdfast.errors import ArgumentError

__all__ = [
    "Calendar",
    "Cron",
    "Interval",
    "Overlap",
    "ScheduleDetail",
    "ScheduleSummary",
    "Spec",
    "TickSummary",
]

_MS = timedelta(milliseconds=1)
_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_START = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall time
_SHORTEST = timedelta(seconds=1)
_LONGEST = timedelta(days=36_600)


class Overlap(StrEnum):
    """Name what happens to a tick while a run of the schedule is open.

    `buffer_one` and `buffer_all` start it when that run has ended; `cancel_other` and `terminate_other` end that run
    for it, and start it then.
    """

    SKIP = "skip"
    BUFFER_ONE = "buffer_one"
    BUFFER_ALL = "buffer_all"
    CANCEL_OTHER = "cancel_other"
    TERMINATE_OTHER = "terminate_other"
    ALLOW_ALL = "allow_all"


@dataclass(frozen=True, slots=True)
class Cron:
    """Fire at the wall times that a cron expression names: `Cron("30 6 * * MON-FRI", zone="Europe/Berlin")`.

    The fields are minute, hour, day of the month, month and weekday, with names, lists, ranges and steps; `L` is the
    last day of the month, `FRI#2` its second Friday and `FRIL` its last. `@hourly`, `@daily`, `@weekly`, `@monthly` and
    `@yearly` are known. `zone` is an IANA time zone.
    """

    expression: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.zone, what="Cron")
        _check_possible(parse(self.expression), f"Cron({self.expression!r})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Fire each time that `every` has elapsed, counted from 1970-01-01T00:00Z plus `offset`.

    It is elapsed time: clocks that are put forward or back change nothing.
    """

    every: timedelta
    offset: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if not _SHORTEST <= self.every <= _LONGEST or self.every % _MS:
            raise ArgumentError(
                f"Interval(every={self.every!r}): expected 1 s to 100 years, in whole milliseconds."
            )
        if not timedelta(0) <= self.offset < self.every or self.offset % _MS:
            raise ArgumentError(
                f"Interval(offset={self.offset!r}): expected at least 0 and less than every={self.every!r}, in whole "
                "milliseconds."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Fire at the wall times that match every field: `Calendar(weekdays=["mon"], hours=[9], zone="Europe/Berlin")`.

    By default at midnight of every day. `days` below 0 count from the end of the month, -1 is its last day; so its last
    Friday is `days=range(-7, 0), weekdays=["fri"]`. `zone` is an IANA time zone.
    """

    months: Sequence[int] = MONTHS
    days: Sequence[int] = DAYS
    weekdays: Sequence[str] = _DAY_NAMES
    hours: Sequence[int] = (0,)
    minutes: Sequence[int] = (0,)
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.zone, what="Calendar")
        for name, allowed, what in (
            ("months", MONTHS, "1 to 12"),
            ("days", (*range(-31, 0), *DAYS), "1 to 31, or -1 to -31 from the end of the month"),
            ("weekdays", _DAY_NAMES, ", ".join(_DAY_NAMES)),
            ("hours", HOURS, "0 to 23"),
            ("minutes", MINUTES, "0 to 59"),
        ):
            given = getattr(self, name)
            if isinstance(given, str) or not list(given):
                raise ArgumentError(f"Calendar({name}={given!r}): expected a list of {what}.")
            wrong = [item for item in given if isinstance(item, bool) or item not in allowed]
            if wrong:
                raise ArgumentError(f"Calendar({name}=…): {wrong[0]!r} is not one of {what}.")
            kept = tuple(sorted(set(given), key=allowed.index))
            object.__setattr__(self, name, kept)
        _check_possible(pattern_of(self), "This Calendar")


Spec: TypeAlias = Cron | Interval | Calendar


def _check_possible(pattern: Pattern, what: str) -> None:
    if next_wall(pattern, _START) is None:
        raise ArgumentError(
            f"{what} names a date that never comes, such as 30 February. Check its days, months and weekdays."
        )


@functools.cache
def zone_of(name: str, *, what: str) -> zoneinfo.ZoneInfo:
    """Return a time zone, or raise `ArgumentError`."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ArgumentError(
            f"{what}(zone={name!r}): no such time zone; expected an IANA name such as Europe/Berlin or UTC.{hint}"
        ) from None


@functools.lru_cache(1024)
def pattern_of(spec: Cron | Calendar) -> Pattern:
    """Return which minutes a specification names."""
    if isinstance(spec, Cron):
        return parse(spec.expression)
    return Pattern(
        minutes=tuple(spec.minutes),
        hours=tuple(spec.hours),
        days=tuple(spec.days),
        months=tuple(spec.months),
        weekdays=tuple((_DAY_NAMES.index(name), 0) for name in spec.weekdays),
    )


def next_nominal(spec: Spec, after: int) -> int | None:
    """Return the first instant later than `after` at which a specification fires, in milliseconds, or None."""
    match spec:
        case Interval():
            every, offset = spec.every // _MS, spec.offset // _MS
            return ((after - offset) // every + 1) * every + offset
        case Cron() | Calendar():
            return next_instant(pattern_of(spec), zone_of(spec.zone, what="zone"), after)
        case _:
            assert_never(spec)


def spec_to_json(spec: Spec) -> dict[str, Json]:
    """Return a specification as its row holds it."""
    match spec:
        case Cron():
            return {"kind": "cron", "expression": spec.expression, "zone": spec.zone}
        case Interval():
            return {
                "kind": "interval",
                "every_ms": spec.every // _MS,
                "offset_ms": spec.offset // _MS,
            }
        case Calendar():
            fields = ("months", "days", "weekdays", "hours", "minutes")
            lists: dict[str, Json] = {name: list(getattr(spec, name)) for name in fields}
            return {"kind": "calendar", **lists, "zone": spec.zone}
        case _:
            assert_never(spec)


def spec_from_json(tree: dict[str, Json]) -> Spec:
    """Return the specification that a row holds."""
    given = dict(tree)
    match given.pop("kind"):
        case "cron":
            return Cron(**given)  # type: ignore[arg-type]  # written by `spec_to_json`
        case "interval":
            every, offset = (timedelta(milliseconds=given[n]) for n in ("every_ms", "offset_ms"))  # type: ignore[arg-type]
            return Interval(every=every, offset=offset)
        case _:
            return Calendar(**given)  # type: ignore[arg-type]


def duration_words(milliseconds: int) -> str:
    """Return a duration in full: `1 d 2 h`, `1 min 0.5 s`."""
    parts: list[str] = []
    rest = milliseconds
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        count, rest = divmod(rest, size)
        parts += [f"{count} {unit}"] if count else []
    return " ".join([*parts, f"{rest / 1000:g} s"] if rest or not parts else parts)


def words_of(spec: Spec) -> str:
    """Return a specification in one line."""
    match spec:
        case Cron():
            return f"cron {spec.expression} in {spec.zone}"
        case Interval():
            offset = f", offset {duration_words(spec.offset // _MS)}" if spec.offset else ""
            return f"every {duration_words(spec.every // _MS)}{offset}"
        case Calendar():
            fields = (("months", 12), ("days", 31), ("weekdays", 7), ("hours", 24), ("minutes", 60))
            shown = [
                f"{name} {','.join(map(str, getattr(spec, name)))}"
                for name, every in fields
                if len(getattr(spec, name)) != every
            ]
            return f"calendar {', '.join(shown) or 'every minute'} in {spec.zone}"
        case _:
            assert_never(spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSummary:
    """Describe what became of one tick; instants are milliseconds.

    `at` is its nominal time. `state` is started, buffered, skipped or failed, and `reason` and `note` say why when it is
    not started. `outcome` is how its run ended. `origin` is schedule, trigger or backfill. With `through`, the ticks
    after it up to that instant were skipped, too, and have no rows of their own.
    """

    at: int
    fire_at: int
    decided_at: int
    state: str
    origin: str
    run_id: str | None
    outcome: str | None = None
    closed_at: int | None = None
    reason: str | None = None
    note: str | None = None
    through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSummary:
    """Describe a schedule in one row; `code` and `why` judge how it is: see the reference of schedules.

    `next_at` is when its next tick fires, None when none follows or it is paused. `runs` counts the ticks that were
    started or buffered.
    """

    id: str
    workflow: str
    spec: Spec
    overlap: Overlap
    queue: str
    created_at: int
    next_at: int | None
    runs: int
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDetail:
    """Describe a schedule in full, at the time `now` of the database's clock in milliseconds.

    `upcoming` are the next fire times, `ticks` the last ticks, the newest first. `open_runs` are those that have not
    ended.
    """

    summary: ScheduleSummary
    now: int
    args: object
    attributes: object
    catch_up: timedelta
    jitter: timedelta
    start_at: int | None
    end_at: int | None
    max_runs: int | None
    pause_on_failure: bool
    timeout: timedelta | None
    retry_budget: int | None
    updated_at: int
    paused_at: int | None
    paused_by: str | None
    pause_note: str | None
    upcoming: tuple[int, ...]
    ticks: tuple[TickSummary, ...]
    open_runs: tuple[str, ...]
    buffered: int
