"""Where the time of a store comes from."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class VirtualClock:
    """Keep a time that moves only when it is told to, in milliseconds since 1970 UTC.

    A store opened with one uses it in place of the database's clock: leases, due times and health all follow it.
    """

    now_ms: int = 1_767_225_600_000  # 2026-01-01T00:00:00Z

    def advance(self, by: timedelta) -> None:
        """Move the time forward by `by`."""
        self.now_ms += round(by / timedelta(milliseconds=1))

    def advance_to(self, at_ms: int) -> None:
        """Move the time forward to `at_ms`; an earlier time is ignored."""
        self.now_ms = max(self.now_ms, at_ms)


def instant(at_ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware UTC datetime."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)


def milliseconds(duration: timedelta) -> int:
    """Return `duration` in whole milliseconds, rounded."""
    return round(duration / timedelta(milliseconds=1))
