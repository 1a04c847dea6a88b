"""A schedule on a virtual clock, with a worker that fires it."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.schedules.flows import broken, fail, finish, greet, linger

from holdfast import Client, RunHandle, Worker
from holdfast.client import ScheduleHandle
from holdfast.clock import VirtualClock, instant
from holdfast.schedules import Interval, Overlap, TickSummary


class Scheduled:
    """Move a clock over the ticks of schedules, letting a worker do what is due."""

    def __init__(self, client: Client, clock: VirtualClock) -> None:
        self.client = client
        self.clock = clock
        self.worker = Worker(client, workflows=[greet, linger, fail, broken])

    async def hourly(
        self,
        flow: Any = linger,
        *,
        name: str = "hourly",
        overlap: Overlap = Overlap.SKIP,
        **options: Any,
    ) -> ScheduleHandle:
        every = options.pop("spec", Interval(every=timedelta(hours=1)))
        return await self.client.create_schedule(
            name, flow, "ann", spec=every, overlap=overlap, **options
        )

    async def settle(self) -> None:
        await self.worker.run_until_idle()

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Let the worker be known as alive, as it is while it waits for work."""
        await self.worker._register()
        yield
        await self.worker._unregister()

    async def at(self, *, hours: float) -> None:
        """Go to so many hours after the beginning of the test, and do what is due then."""
        self.clock.advance_to(VirtualClock().now_ms + round(hours * 3_600_000))
        await self.settle()

    async def ticks(self, schedule: ScheduleHandle) -> list[TickSummary]:
        """Return what became of the ticks, the oldest first."""
        return list(reversed((await schedule.describe(last=1000)).ticks))

    async def states(self, schedule: ScheduleHandle) -> list[str]:
        return [
            f"{instant(tick.at):%H:%M} {tick.state}" + (f" {tick.reason}" if tick.reason else "")
            for tick in await self.ticks(schedule)
        ]

    async def end(self, run_id: str) -> None:
        await self.client.signal(run_id, finish, True)  # noqa: FBT003
        await self.settle()

    async def run(self, number: int, schedule: ScheduleHandle) -> RunHandle[Any]:
        """Return the run that the schedule has started as its `number`th, counted from 0."""
        started = [tick.run_id for tick in await self.ticks(schedule) if tick.run_id is not None]
        return self.client.get(started[number])


@pytest.fixture
def s(client: Client, clock: VirtualClock) -> Scheduled:
    return Scheduled(client, clock)


@pytest.fixture
def local(tmp_path: Path, clock: VirtualClock) -> Iterator[Scheduled]:
    """Give the same on SQLite alone, for what is decided before a database is asked."""
    with contextlib.closing(Client(tmp_path / "local.db", clock=clock)) as client:
        yield Scheduled(client, clock)
