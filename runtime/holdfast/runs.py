"""What state a run, its task and its activities can be in.

A run is *open* until it ends in one of six ways; one that is *continued* goes on as another run. An open run has one
workflow task: the unit that a worker leases to advance it. The task is *idle* while the run only waits, *ready* when an inbound event has not been
applied, *leased* while a worker applies it, and *blocked* when code and history do not agree or the code raised
the same bug again: then only other code, or a person, moves it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from holdfast._arguments import refuse
from holdfast.errors import ArgumentError


class RunStatus(StrEnum):
    """Name the state of a run."""

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"
    CONTINUED = "continued"


class TaskState(StrEnum):
    """Name the state of the workflow task of an open run."""

    IDLE = "idle"
    READY = "ready"
    LEASED = "leased"
    BLOCKED = "blocked"


class ActivityState(StrEnum):
    """Name the state of an activity; in *attention* its outcome is unknown, and a person has to say what happened."""

    READY = "ready"
    LEASED = "leased"
    BACKOFF = "backoff"
    ATTENTION = "attention"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


MAX_ID = 200
PRIORITY = 5
"""That of what names none."""
PRIORITIES = range(1, 10)
"""From what goes first to what goes last."""


def checked_priority(given: Any, where: str) -> int:
    """Return a priority, or raise `ArgumentError`."""
    if isinstance(given, bool) or not isinstance(given, int) or given not in PRIORITIES:
        refuse(where, "priority", given, f"1, which goes first, to 9; {PRIORITY} is usual")
    return given


def checked_id(given: Any) -> str:
    """Return a run id that can stand in an address, or raise `ArgumentError`."""
    # "." and ".." have a meaning of their own there.
    if (
        not isinstance(given, str)
        or not given.strip(" .")
        or len(given) > MAX_ID
        or not given.isprintable()
        or set(given) & set("/?#")
    ):
        raise ArgumentError(
            f"{given!r} cannot be a run id: expected 1 to {MAX_ID} printable characters without / ? and #."
        )
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """Count the open runs of a workflow that have come past the line `place`, and those that have not."""

    place: str
    past: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Describe a wait of workflow code that no command explains; instants are milliseconds.

    `number` is below 1, because commands count upwards from 1.
    """

    number: int
    kind: str
    name: str
    site: str
    since: int
    deadline: int | None = None
