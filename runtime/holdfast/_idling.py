"""When a worker that found nothing to do must look again: until then, its poll costs almost nothing."""

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from holdfast._store import activities, ending, events, limits, runs, throttle, ticks
from holdfast._store.database import Tx
from holdfast._store.queues import all_held

LONGEST_REST = (
    5.0  # seconds; the clock of the machine may jump, and then the due time of a rest is wrong
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Remember a look that found nothing: another finds nothing either until something has changed or is due.

    `changes` must have been read before that look; else a commit between the two would be overlooked.
    """

    changes: Hashable
    free: int
    until: float

    def holds(self, changes: Hashable, free: int) -> bool:
        """Tell whether a look would find nothing now."""
        return changes == self.changes and free == self.free and time.monotonic() < self.until

    @property
    def left(self) -> float:
        """Return how many seconds it can last at most."""
        return max(0.0, self.until - time.monotonic())


def rest(
    changes: Hashable, free: int, due_in_ms: int | None, *, since: float, lease: float
) -> Rest:
    """Return the rest that follows a look; `since` is when that began, so that it ends rather early than late.

    It lasts no longer than half a `lease`: nobody is told of those that others take, and a look must come before their end.
    """
    seconds = min(LONGEST_REST, lease / 2)
    if due_in_ms is not None:
        seconds = min(due_in_ms / 1000, seconds)
    return Rest(changes=changes, free=free, until=since + seconds)


def next_due(tx: Tx, *, queues: Sequence[str], after: int = -1) -> int | None:
    """Return when something becomes due that is not due at `after`, in milliseconds, or None."""
    verbs = (runs.next_run_due, runs.next_lease_end, activities.next_activity_due)
    due = (
        *(verb(tx, queue=queue, after=after) for queue in queues for verb in verbs),
        throttle.next_free(tx, queues=queues, after=after),
        limits.next_limit(tx, after=after),
        ending.next_deadline(tx, after=after),
        events.next_wait_due(tx, after=after),
        ticks.next_schedule_due(tx, after=after),
    )
    return min((at for at in due if at is not None), default=None)


def next_moment(tx: Tx, *, queues: Sequence[str]) -> int | None:
    """Return when something becomes due, or a limit lets something start that is due already; None when nothing does."""
    due = next_due(tx, queues=queues)
    if due is not None and due <= tx.now and all_held(tx, queues):
        return next_due(tx, queues=queues, after=tx.now)
    return due
