"""The part of a client that limits, pauses and shows queues. `holdfast.Client` is its public name."""

from typing import Any

from holdfast._arguments import check_kind, checked_by
from holdfast._store import queues, throttle
from holdfast._store.database import Database
from holdfast.limits import LimitState, QueueState, Rate, check_count, check_limited

KEEP: Any = object()


class Queueing:
    """Limit, pause and show the queues of a database."""

    database: Database

    async def queues(self) -> list[QueueState]:
        """Return the queues that are limited, served or used by open runs, by name."""
        return await self.database.read(queues.states)

    async def set_queue(
        self,
        name: str,
        *,
        activities: int | None = KEEP,
        tasks: int | None = KEEP,
        rate: Rate | None = KEEP,
    ) -> None:
        """Limit a queue over all workers, from now on; None takes a limit away, what is not given stays.

        Args:
            name: The queue.
            activities: How many attempts of its activities run at once.
            tasks: How many of its runs are advanced at once.
            rate: How many attempts start in a time.
        """
        values: dict[str, object] = {}
        for column, given in (("activities", activities), ("tasks", tasks)):
            if given is not KEEP:
                check_count("set_queue", column, given)
                values[f"max_{column}"] = given
        if rate is not KEEP:
            check_kind("set_queue", "rate", rate, Rate, "a Rate or None", optional=True)
            values |= throttle.rate_columns(rate)
        check_limited("set_queue", name)
        await self.database.write(queues.set_queue, name, values)

    async def pause_queue(self, name: str, *, by: str, reason: str = "") -> None:
        """Let nothing further of a queue begin until it is resumed; what runs goes on."""
        checked_by(by, "pause_queue")
        check_limited("pause_queue", name)
        await self.database.write(queues.pause, name, by=by.strip(), reason=reason)

    async def resume_queue(self, name: str) -> None:
        """Let the work of a paused queue begin again."""
        await self.database.write(queues.resume, name)

    async def limits(self) -> list[LimitState]:
        """Return the named limits that were set by hand or used, by name."""
        return await self.database.read(queues.limit_states)

    async def set_limit(
        self, name: str, *, at_once: int | None = KEEP, rate: Rate | None = KEEP
    ) -> None:
        """Set a named limit in place of what the code says; None takes it away, what is not given stays as set before."""
        values: dict[str, object] = {}
        if at_once is not KEEP:
            check_count("set_limit", "at_once", at_once)
            values["at_once"] = at_once
        if rate is not KEEP:
            check_kind("set_limit", "rate", rate, Rate, "a Rate or None", optional=True)
            values |= throttle.rate_columns(rate)
        check_limited("set_limit", name)
        await self.database.write(queues.set_limit, name, values)

    async def reset_limit(self, name: str) -> None:
        """Let a named limit be what the code says again."""
        await self.database.write(queues.reset_limit, name)
