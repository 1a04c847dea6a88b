"""How many may run at once, and how many may start in a time, for what shares a scarce thing."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from holdfast._arguments import MAX_NAME, check_duration, check_kind, check_whole, refuse
from holdfast._events import Json
from holdfast.errors import ArgumentError

_MS = timedelta(milliseconds=1)
_HAIR = 1e-6  # milliseconds; less than that is an error of rounding
_UNITS = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_WRITTEN = re.compile(r"(\d+)/(\d*)(s|min|h|d)")


@dataclass(frozen=True, slots=True)
class Rate:
    """Say how many may start in a time: `Rate(100, per=timedelta(minutes=1))`.

    Starts are spread evenly, so that no period sees more than `count`. With `burst` so many may start at once after a
    lull; then a period may see up to `count + burst`.
    """

    count: int
    per: timedelta
    burst: int = 1

    def __post_init__(self) -> None:
        check_whole("Rate", "count", self.count, least=1)
        check_duration("Rate", "per", self.per, least=_MS, optional=False)
        check_whole("Rate", "burst", self.burst, least=1)

    def __str__(self) -> str:
        ms = round(self.per / _MS)
        unit, size = next(
            ((u, s) for u, s in reversed(_UNITS.items()) if ms % s == 0), ("ms", 1)
        )  # fmt: skip
        many = "" if ms == size else str(ms // size)
        return f"{self.count}/{many}{unit}" + (f" burst {self.burst}" if self.burst > 1 else "")

    @classmethod
    def parse(cls, text: str, *, burst: int = 1) -> "Rate":
        """Return the rate that a person writes as 10/s, 100/min, 5/h or 3/10s."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            refuse("Rate.parse", "text", text, "a number per time, such as 10/s, 100/min or 3/10s")
        count, many, unit = found.groups()
        return cls(int(count), timedelta(milliseconds=int(many or 1) * _UNITS[unit]), burst)

    def to_json(self) -> dict[str, Json]:
        """Return the rate as a command records it."""
        return {"count": self.count, "per_ms": round(self.per / _MS), "burst": self.burst}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> "Rate":
        """Return the rate that `to_json` wrote."""
        return cls(tree["count"], timedelta(milliseconds=tree["per_ms"]), tree["burst"])

    # A bucket of `burst` tokens that fills evenly, as one number: the time in milliseconds at which it will be full.

    @property
    def _gap(self) -> float:
        return self.per / _MS / self.count

    def room(self, full_at: float, now: int) -> int:
        """Return how many may start now."""
        spare = (now - full_at + _HAIR) / self._gap + self.burst
        return max(0, min(self.burst, math.floor(spare)))

    def after(self, full_at: float, now: int, started: int) -> float:
        """Return when the bucket will be full once so many have started."""
        return max(full_at, now) + started * self._gap

    def free_at(self, full_at: float) -> int:
        """Return when the next may start, in milliseconds."""
        return math.ceil(full_at - (self.burst - 1) * self._gap - _HAIR)


@dataclass(frozen=True, slots=True)
class Limit:
    """Say what everything that shares a name may do: `Limit("crm:acme", 3)` lets three attempts run at once.

    The name is the key, and counts over all queues and workers. `rate` limits how many attempts start in a time. A
    limit that a person has set with `Client.set_limit` takes the place of what the code says.
    """

    name: str
    at_once: int | None = None
    rate: Rate | None = None

    def __post_init__(self) -> None:
        check_limited("Limit", self.name)
        check_count("Limit", "at_once", self.at_once)
        check_kind("Limit", "rate", self.rate, Rate, "a Rate or None", optional=True)
        if self.at_once is None and self.rate is None:
            raise ArgumentError(
                f"Limit({self.name!r}) limits nothing; give at_once, a rate, or both."
            )

    def to_json(self) -> dict[str, Json]:
        """Return the limit as a command records it."""
        rate = None if self.rate is None else self.rate.to_json()
        return {"name": self.name, "at_once": self.at_once, "rate": rate}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> "Limit":
        """Return the limit that `to_json` wrote."""
        rate = None if tree["rate"] is None else Rate.from_json(tree["rate"])
        return cls(tree["name"], tree["at_once"], rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """Show the limits of a queue, and what runs and waits in it; `free_at` is when its rate lets the next one start."""

    name: str
    max_activities: int | None = None
    max_tasks: int | None = None
    rate: Rate | None = None
    free_at: int | None = None
    paused_at: int | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    running_activities: int = 0
    running_tasks: int = 0
    ready_activities: int = 0
    ready_tasks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """Show a limit by name that was set by hand, or whose rate was used; None stands for what the code says."""

    name: str
    by_hand: bool
    at_once: int | None
    rate: Rate | None
    running: int


def check_count(where: str, name: str, count: Any) -> None:
    """Raise `ArgumentError` for a limit that lets nothing run: to stop a queue, pause it."""
    check_whole(where, name, count, least=1, optional=True)


def check_limited(where: str, name: Any) -> None:
    """Raise `ArgumentError` unless `name` can be that of a queue or of a limit."""
    if (
        not isinstance(name, str)
        or not name.strip()
        or len(name) > MAX_NAME
        or not name.isprintable()
    ):
        refuse(where, "name", name, f"1 to {MAX_NAME} printable characters")
