"""Fixtures of the tests of activities: a run driven by the virtual clock, and workers that serve in the background."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from holdfast import Client, Worker
from holdfast.clock import VirtualClock

Drive = Callable[..., Awaitable[None]]
Serve = Callable[[Worker], None]


@pytest.fixture
def drive(client: Client, clock: VirtualClock) -> Drive:
    """Let time pass until a run has the wanted health code."""

    async def drive(worker: Worker, run: str, *, until: str) -> None:
        for _ in range(200):
            await worker.run_until_idle()
            verdict = (await client.describe(run)).summary.verdict
            if verdict.code == until:
                return
            due = await worker.next_due()
            assert due is not None, f"{run} will not become {until}: {verdict}"
            clock.advance_to(due)
        pytest.fail(f"{run} never became {until}")

    return drive


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Let workers serve until the test ends."""
    serving: list[tuple[Worker, asyncio.Task[None]]] = []

    def begin(worker: Worker) -> None:
        serving.append((worker, asyncio.create_task(worker.run())))

    yield begin
    for worker, task in serving:
        worker.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await task
