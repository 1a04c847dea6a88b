"""When a failed attempt is tried again."""

from dataclasses import dataclass
from datetime import timedelta

from holdfast.errors import ArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Say how often and how soon an activity is tried again.

    Attempt n+1 starts `initial * backoff**(n-1)` after attempt n failed, at most `max_interval`.
    `max_attempts=None` tries for ever: the dashboard then reports an error that keeps repeating.
    `non_retryable` lists exception class names that end the retries at once.
    """

    max_attempts: int | None = None
    initial: timedelta = timedelta(seconds=1)
    backoff: float = 2.0
    max_interval: timedelta = timedelta(minutes=1)
    non_retryable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ArgumentError(
                f"Retry(max_attempts={self.max_attempts}): expected None or at least 1."
            )
        if self.backoff < 1.0:
            raise ArgumentError(f"Retry(backoff={self.backoff}): expected at least 1.0.")
        if self.initial < timedelta(0) or self.max_interval < timedelta(0):
            raise ArgumentError(
                "Retry(initial=…, max_interval=…): expected durations that are not negative."
            )

    def delay_ms(self, attempt: int) -> int:
        """Return the pause in milliseconds after `attempt` (counted from 1) has failed."""
        ceiling = self.max_interval / timedelta(milliseconds=1)
        exponent = min(attempt - 1, 64)  # beyond that every backoff has met its ceiling
        return round(
            min(self.initial / timedelta(milliseconds=1) * self.backoff**exponent, ceiling)
        )

    def gives_up(self, attempt: int, error_type: str) -> bool:
        """Return whether no attempt follows `attempt`, which failed with `error_type`."""
        exhausted = self.max_attempts is not None and attempt >= self.max_attempts
        return exhausted or error_type in self.non_retryable
