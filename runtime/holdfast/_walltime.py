"""Wall times to instants: which minutes a pattern names, and what clocks that are put forward or back make of them.

Instants are milliseconds since 1970 UTC. A wall time that does not exist, because clocks were put forward over it, is
taken to be the moment of that shift. Of a wall time that exists twice, because clocks were put back, the first counts;
but a pattern that names every hour of the day means "again and again", not a time of day, and takes both.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTES = tuple(range(60))
HOURS = tuple(range(24))
DAYS = tuple(range(1, 32))
MONTHS = tuple(range(1, 13))
WEEKDAYS = tuple((day, 0) for day in range(7))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY_MS = 86_400_000
_LAST_YEAR = 9990  # zones need some room below the last year that a datetime can have
_CYCLE = 400  # years, after which the calendar repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Name minutes of the calendar; every field is sorted.

    `days` below 0 count from the end of the month: -1 is the last. A weekday is 0 for Monday to 6, and which one of the
    month: 0 for each, 1 to 5 from its beginning, -1 for the last. A date must match days and weekdays, or with `either`
    one of them.
    """

    minutes: tuple[int, ...] = MINUTES
    hours: tuple[int, ...] = HOURS
    days: tuple[int, ...] = DAYS
    months: tuple[int, ...] = MONTHS
    weekdays: tuple[tuple[int, int], ...] = WEEKDAYS
    either: bool = False

    @property
    def every_hour(self) -> bool:
        """Tell whether it names every hour of the day."""
        return len(self.hours) == len(HOURS)

    def has_day(self, day: date, length: int) -> bool:
        """Tell whether a date matches; `length` is that of its month."""
        by_day = day.day in self.days or day.day - length - 1 in self.days
        which = (day.day - 1) // 7 + 1
        last = day.day > length - 7
        weekday = day.weekday()
        by_weekday = any(
            named == weekday and (nth in {0, which} or (nth == -1 and last))
            for named, nth in self.weekdays
        )
        return by_day or by_weekday if self.either else by_day and by_weekday


def next_wall(pattern: Pattern, after: datetime) -> datetime | None:
    """Return the first wall time later than `after` that a pattern names, or None; both without a zone."""
    for day in _dates(pattern, after.date()):
        same = day == after.date()
        for hour in pattern.hours:
            if same and hour < after.hour:
                continue
            for minute in pattern.minutes:
                found = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - a wall time
                if found > after:
                    return found
    return None


def _dates(pattern: Pattern, start: date) -> Iterator[date]:
    for year in range(start.year, min(start.year + _CYCLE + 1, _LAST_YEAR)):
        for month in pattern.months:
            if (year, month) < (start.year, start.month):
                continue
            length = calendar.monthrange(year, month)[1]
            first = start.day if (year, month) == (start.year, start.month) else 1
            for number in range(first, length + 1):
                day = date(year, month, number)
                if pattern.has_day(day, length):
                    yield day


def next_instant(pattern: Pattern, zone: ZoneInfo, after: int) -> int | None:
    """Return the first instant later than `after` at which the clocks of a zone show what a pattern names, or None."""
    at, offset = after, _offset(zone, after)
    wall = _wall(at + offset)
    while (found := next_wall(pattern, wall)) is not None:
        named = _ms_of(found)
        instant = named - offset
        shift = _first_shift(zone, at, instant, offset)
        if shift is None:
            if pattern.every_hour or not _is_repeated(zone, instant):
                return instant
            at, wall = instant, found
            continue
        offset = _offset(zone, shift)
        if named < shift + offset:
            return shift  # the clocks were put forward over it
        at, wall = shift, _wall(shift + offset) - _MS
    return None


def _first_shift(zone: ZoneInfo, start: int, end: int, offset: int) -> int | None:
    """Return the first instant after `start`, and not after `end`, with another offset than `offset`, or None."""
    low = start
    while low < end:
        high = min(low + _DAY_MS, end)
        if _offset(zone, high) != offset:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            return high
        low = high
    return None


def _offset(zone: ZoneInfo, at: int) -> int:
    return round((_local(zone, at).utcoffset() or timedelta(0)) / _MS)


def _is_repeated(zone: ZoneInfo, at: int) -> bool:
    return _local(zone, at).fold == 1


def _local(zone: ZoneInfo, at: int) -> datetime:
    return (_EPOCH + at * _MS).astimezone(zone)


def _wall(shown: int) -> datetime:
    return (_EPOCH + shown * _MS).replace(tzinfo=None)


def _ms_of(wall: datetime) -> int:
    return (wall.replace(tzinfo=UTC) - _EPOCH) // _MS
