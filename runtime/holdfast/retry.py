"""When a failed attempt is tried again."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from holdfast._arguments import NOTHING, check_duration, check_whole, refuse
from holdfast._events import Json
from holdfast.errors import ArgumentError

MAX_RETRY_AFTER = timedelta(days=1)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Say how often and how soon an activity is tried again.

    Attempt n+1 starts `initial * backoff**(n-1)` after attempt n failed, at most `max_interval`, or `initial` where that
    is longer. With `jitter` each pause is shortened by a random part of it: 0.2 takes away up to a fifth, 1 up to all. `max_attempts=None` tries for
    ever: the dashboard then reports an error that keeps repeating. `non_retryable` lists what ends the retries at
    once: exception classes, whose subclasses count too, and names of classes, which count alone.
    """

    max_attempts: int | None = None
    initial: timedelta = timedelta(seconds=1)
    backoff: float = 2.0
    max_interval: timedelta = timedelta(minutes=1)
    jitter: float = 0.0
    non_retryable: tuple[str | type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        check_whole("Retry", "max_attempts", self.max_attempts, least=1, optional=True)
        if not _is_number(self.backoff) or not self.backoff >= 1.0:
            refuse("Retry", "backoff", self.backoff, "a finite number, 1.0 or more")
        for name, pause in (("initial", self.initial), ("max_interval", self.max_interval)):
            check_duration("Retry", name, pause, least=NOTHING, optional=False)
        if not _is_number(self.jitter) or not 0.0 <= self.jitter <= 1.0:
            refuse("Retry", "jitter", self.jitter, "a fraction of the pause, from 0.0 to 1.0")
        kinds: Any = self.non_retryable
        if isinstance(kinds, str | type) or not isinstance(kinds, Iterable):
            refuse("Retry", "non_retryable", kinds, f"a tuple, for example ({_name_in(kinds)},)")
        object.__setattr__(self, "non_retryable", tuple(kinds))
        for kind in self.non_retryable:
            if not isinstance(kind, str) and not _is_exception_class(kind):
                raise ArgumentError(
                    f"Retry(non_retryable=…): {kind!r} is neither an exception class nor the name of one."
                )

    def delay_ms(self, attempt: int, *, draw: float = 0.0) -> int:
        """Return the pause in milliseconds after `attempt` (counted from 1) has failed.

        `draw` is a random number from 0 to 1, drawn by the caller: jitter takes that part of itself away.
        """
        ceiling = max(self.initial, self.max_interval) / _MS
        exponent = min(attempt - 1, 64)  # beyond that every backoff has met its ceiling
        try:
            pause = min(self.initial / _MS * self.backoff**exponent, ceiling)
        except OverflowError:
            pause = ceiling
        return round(pause * (1.0 - self.jitter * draw))

    def gives_up(self, attempt: int, error_type: str, kinds: Iterable[str] = ()) -> bool:
        """Return whether no attempt follows `attempt`, which failed with `error_type` of the classes `kinds`."""
        exhausted = self.max_attempts is not None and attempt >= self.max_attempts
        names = {kind if isinstance(kind, str) else _full_name(kind) for kind in self.non_retryable}
        return exhausted or not names.isdisjoint({error_type, *kinds})

    def to_json(self) -> dict[str, Json]:
        """Return the policy as a command records it; a class becomes its full name."""
        recorded: dict[str, Json] = {
            "max_attempts": self.max_attempts,
            "initial_ms": round(self.initial / _MS),
            "backoff": self.backoff,
            "max_interval_ms": round(self.max_interval / _MS),
            "non_retryable": [
                kind if isinstance(kind, str) else _full_name(kind) for kind in self.non_retryable
            ],
        }
        return recorded | ({"jitter": self.jitter} if self.jitter else {})


def retry_of(options: Mapping[str, Any]) -> Retry:
    """Return the policy that the recorded options of an activity hold."""
    return Retry(
        max_attempts=options["max_attempts"],
        initial=timedelta(milliseconds=options["initial_ms"]),
        backoff=options["backoff"],
        max_interval=timedelta(milliseconds=options["max_interval_ms"]),
        jitter=options.get("jitter", 0.0),
        non_retryable=tuple(options["non_retryable"]),
    )


def check_retry_budget(budget: int | None, where: str) -> None:
    """Raise `ArgumentError` for a budget that is no count of retries."""
    check_whole(where, "retry_budget", budget, least=0, optional=True, of="a number of retries")


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """Return the full names of the class of an error and of all its bases."""
    return tuple(_full_name(kind) for kind in type(error).__mro__)


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _name_in(kinds: object) -> str:
    return kinds.__name__ if isinstance(kinds, type) else repr(kinds)


def _is_exception_class(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


def asked_pause_ms(error: BaseException, *, now_ms: int) -> int | None:
    """Return the pause in milliseconds that an error asks for, at most `MAX_RETRY_AFTER`; None when it asks for none.

    That is its attribute `retry_after`, a timedelta or seconds, or the `Retry-After` header of an HTTP error, in seconds
    or as a date, which `now_ms` is compared with.
    """
    for source in (_from_attribute, _from_header):
        try:
            asked = source(error, now_ms)
        except Exception:  # noqa: BLE001, S112 - attributes of foreign errors may do anything, and none of it is asked for
            continue
        if asked is not None and not math.isnan(asked):
            return round(min(max(asked, 0.0), MAX_RETRY_AFTER / _MS))
    return None


def _from_attribute(error: Any, _now_ms: int) -> float | None:
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, timedelta):
        return asked / _MS
    if isinstance(asked, int | float) and not isinstance(asked, bool):
        return float(asked) * 1000
    return None


def _from_header(error: Any, now_ms: int) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    headers = getattr(error, "headers", None) if headers is None else headers
    if headers is None:
        return None
    text = headers.get("Retry-After") or headers.get("retry-after")
    if text is None:
        return None
    try:
        return float(text) * 1000
    except ValueError:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000 - now_ms
