"""On Postgres a worker at rest asks nobody: who commits work rings it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from tests.runtime.processes import until

from holdfast import Client, RunHandle, Worker, activity, workflow
from holdfast.clock import VirtualClock

HOUR = timedelta(hours=1)
LIMIT = timedelta(seconds=30)


@activity.define(timeout=timedelta(seconds=10))
async def double(number: int) -> int:
    return 2 * number


@workflow.define
async def doubling(number: int) -> int:
    return await double(number)


@pytest.fixture
def store(postgres_url: str) -> str:
    """Take the place of both databases: a file rings nobody."""
    return postgres_url


@pytest.fixture
async def client(store: str) -> AsyncIterator[Client]:
    """Take the place of the client with a virtual clock, which never rings."""
    async with Client(store) as client:
        yield client


@pytest.fixture
async def worker(client: Client, at_rest: None) -> AsyncIterator[Worker]:
    """Give a worker at rest, that looks by itself only after a long time."""
    worker = Worker(client, workflows=[doubling], activities=[double], lease=HOUR)
    serving = asyncio.create_task(worker.run())
    await until(lambda: client.database.pushes and worker._rest is not None, what="a rest")
    yield worker
    worker.stop()
    await serving


@pytest.fixture
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast._idling.LONGEST_REST", 3600.0)


async def test_a_worker_at_rest_does_not_look_until_it_is_rung(worker: Worker, store: str) -> None:
    assert worker._patience() > 60
    async with Client(store) as other:
        for number in range(3):
            handle: RunHandle[int] = await other.start(doubling, number)

            assert await handle.result(timeout=LIMIT) == 2 * number


async def test_a_worker_whose_line_was_cut_hears_again(
    worker: Worker, client: Client, store: str
) -> None:
    with psycopg.connect(store, autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    async with Client(store) as other:
        handle: RunHandle[int] = await other.start(doubling, 4)

        assert await handle.result(timeout=LIMIT) == 8
    await until(lambda: client.database.pushes, what="the line")


@pytest.fixture
def heard(store: str) -> Iterator[Callable[[], int]]:
    """Give what counts the rings since it was asked last."""
    with psycopg.connect(store, autocommit=True) as listening:
        listening.execute("LISTEN holdfast_public")

        def count() -> int:
            listening.execute("NOTIFY holdfast_public, 'last'")
            payloads = [note.payload for note in listening.notifies(timeout=0)]
            assert payloads[-1] == "last"
            return len(payloads) - 1

        yield count


async def test_work_that_is_taken_is_no_news_and_a_limit_that_a_heartbeat_enforces_is(
    store: str, heard: Callable[[], int]
) -> None:
    clock = VirtualClock()
    async with Client(store, clock=clock) as client:
        await client.start(doubling, 1, id="r")
        await Worker(client, workflows=[doubling]).run_until_idle()
        worker = Worker(client, activities=[double])
        assert heard() > 0

        _, _, (attempt,) = await client.database.write(worker._claim_work, free=5)
        await asyncio.to_thread(worker._beat, asyncio.get_running_loop(), 0, None)
        assert heard() == 0

        clock.advance(timedelta(minutes=1))
        await asyncio.to_thread(worker._beat, asyncio.get_running_loop(), 0, None)
        assert heard() == 1
        assert attempt.attempt == 1
