"""Cron expressions: five fields, names, steps, and `L` and `#` for days that move with the month."""

from dataclasses import dataclass

from holdfast._walltime import DAYS, HOURS, MINUTES, MONTHS, WEEKDAYS, Pattern
from holdfast.errors import ArgumentError

_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SUNDAY = 7
_MAX_NTH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()

    def numbers(self, text: str, whole: str) -> list[int]:
        """Return the numbers that one item of the field stands for, such as `5`, `1-5`, `*/15` and `MON-FRI`."""
        span, slash, step_text = text.partition("/")
        step = self._step(step_text, text, whole) if slash else 1
        if span == "*":
            return list(range(self.first, self.last + 1, step))
        low_text, dash, high_text = span.partition("-")
        low = self._number(low_text, text, whole)
        if not dash:
            return list(range(low, self.last + 1, step)) if slash else [low]
        high = self._number(high_text, text, whole)
        if high == 0 and self.last == _SUNDAY:
            high = _SUNDAY
        if high < low:
            raise self.wrong(text, whole, "the range ends before it begins")
        return list(range(low, high + 1, step))

    def _step(self, text: str, item: str, whole: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < 1:
            raise self.wrong(item, whole, "a step is a whole number from 1")
        return int(text)

    def _number(self, text: str, item: str, whole: str) -> int:
        if text.upper() in self.names:
            return self.names.index(text.upper()) + (self.first if self.last != _SUNDAY else 0)
        if not (text.isascii() and text.isdigit()) or not self.first <= int(text) <= self.last:
            also = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise self.wrong(
                item, whole, f"expected numbers from {self.first} to {self.last}{also}"
            )
        return int(text)

    def wrong(self, item: str, whole: str, why: str) -> ArgumentError:
        """Return the error of an item that cannot be read."""
        return ArgumentError(
            f"Cron({whole!r}): {item!r} cannot be read as {self.name}: {why}. "
            'An expression is "minute hour day month weekday", for example "30 6 * * MON-FRI".'
        )


_MINUTE = _Field(name="the minute (field 1)", first=0, last=59)
_HOUR = _Field(name="the hour (field 2)", first=0, last=23)
_DAY = _Field(name="the day of the month (field 3)", first=1, last=31)
_MONTH = _Field(name="the month (field 4)", first=1, last=12, names=_MONTH_NAMES)
_WEEKDAY = _Field(name="the weekday (field 5)", first=0, last=_SUNDAY, names=_DAY_NAMES)
_COUNT = 5


def parse(expression: str) -> Pattern:
    """Return the pattern of a cron expression, or raise `ArgumentError` that names the field.

    As cron has it, a date matches one of the two when neither the day nor the weekday begins with `*`, else both.
    """
    text = _SHORTHANDS.get(expression.strip().lower(), expression)
    fields = text.split()
    if text.strip().startswith("@"):
        raise ArgumentError(
            f"Cron({expression!r}): no such shorthand; there are {', '.join(_SHORTHANDS)}."
        )
    if len(fields) != _COUNT:
        raise ArgumentError(
            f'Cron({expression!r}): {len(fields)} fields; expected 5, "minute hour day month weekday", for example '
            '"30 6 * * MON-FRI".'
        )
    minute, hour, day, month, weekday = fields
    return Pattern(
        minutes=_all(_MINUTE, minute, expression, MINUTES),
        hours=_all(_HOUR, hour, expression, HOURS),
        days=_days(day, expression),
        months=_all(_MONTH, month, expression, MONTHS),
        weekdays=_weekdays(weekday, expression),
        either=not day.startswith("*") and not weekday.startswith("*"),
    )


def _all(field: _Field, text: str, whole: str, every: tuple[int, ...]) -> tuple[int, ...]:
    if text == "*":
        return every
    return tuple(sorted({n for item in text.split(",") for n in field.numbers(item, whole)}))


def _days(text: str, whole: str) -> tuple[int, ...]:
    if text == "*":
        return DAYS
    found: set[int] = set()
    for item in text.split(","):
        found.update([-1] if item.upper() == "L" else _DAY.numbers(item, whole))
    return tuple(sorted(found))


def _weekdays(text: str, whole: str) -> tuple[tuple[int, int], ...]:
    if text == "*":
        return WEEKDAYS
    found: set[tuple[int, int]] = set()
    for item in text.split(","):
        numbers, nth = _which(item, whole)
        found.update(((number - 1) % 7, nth) for number in numbers)
    return tuple(sorted(found))


def _which(item: str, whole: str) -> tuple[list[int], int]:
    """Return weekdays as cron counts them, and which of the month: `5#2` is the second Friday, `5L` the last."""
    if item[-1:].upper() == "L" and item[:-1] and "-" not in item:
        return _one(item[:-1], item, whole), -1
    day, sharp, nth = item.partition("#")
    if not sharp:
        return _WEEKDAY.numbers(item, whole), 0
    if nth not in {str(n) for n in range(1, _MAX_NTH + 1)}:
        raise _WEEKDAY.wrong(item, whole, "after # comes which one of the month, 1 to 5")
    return _one(day, item, whole), int(nth)


def _one(day: str, item: str, whole: str) -> list[int]:
    if any(sign in day for sign in "*/-"):
        raise _WEEKDAY.wrong(item, whole, "# and L go with one weekday")
    return _WEEKDAY.numbers(day, whole)
