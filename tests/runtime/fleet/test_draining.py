"""A worker that is asked to stop leaves nothing behind for which others would have to wait."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.runtime.processes import Spawn, spawning, until

from holdfast import Client, RunHandle
from holdfast.health import worker_state

LIMIT = timedelta(seconds=60)
LONG_LEASE = "600"  # nobody who waits for one to run out is done within the limit

CODE = """
import asyncio, os
from holdfast import activity, workflow

@activity.define
async def held(folder: str) -> int:
    open(os.path.join(folder, "begun"), "w").close()
    while not os.path.exists(os.path.join(folder, "go")):
        await asyncio.sleep(0.01)
    return os.getpid()

@activity.define
async def short(number: int) -> int:
    await asyncio.sleep(0.02)
    return number

@activity.define
def threaded(number: int) -> int:
    return number

@workflow.define
async def holding(folder: str) -> int:
    return await held(folder)

@workflow.define
async def steps(number: int) -> int:
    found = await asyncio.gather(short(number), threaded(number))
    await asyncio.sleep(0.05)
    return sum(found) + await short(number)
"""


@pytest.fixture
def spawn(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Iterator[Spawn]:
    module("draining", CODE)
    with spawning(tmp_path, "draining") as run:
        yield run


async def said(process: subprocess.Popen[str], words: str) -> None:
    """Wait until a worker has said something."""
    assert process.stderr is not None
    while True:
        line = await asyncio.wait_for(asyncio.to_thread(process.stderr.readline), 30)
        assert line, f"the worker ended without saying {words!r}"
        if words in line:
            return


async def live(client: Client, count: int) -> None:
    """Wait until so many workers serve."""
    while True:
        now, workers = await client.workers()
        if sum(worker_state(worker, now) == "live" for worker in workers) == count:
            return
        await asyncio.sleep(0.01)


async def ended(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a worker, and return what it said."""
    _, log = await asyncio.to_thread(process.communicate, timeout=60)
    return log


async def test_a_rolling_deploy_under_load_lets_no_run_wait_for_a_lease(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client, asyncio.timeout(90):
        old = [spawn("--lease", LONG_LEASE) for _ in range(3)]
        await live(client, 3)
        runs: list[RunHandle[int]] = []
        stopped = []
        for process in old:
            runs += [await client.start("draining:steps", number) for number in range(12)]
            spawn("--lease", LONG_LEASE)
            await live(client, 4)
            process.terminate()
            stopped.append(await ended(process))

        results = await asyncio.gather(*(run.result(timeout=LIMIT) for run in runs))

        assert results == [3 * number for number in range(12)] * 3
        assert [process.returncode for process in old] == [0, 0, 0]
        assert not [
            line for log in stopped for line in log.splitlines() if not line.startswith("worker ")
        ]
        for run in runs:
            assert {a.attempt for a in (await run.describe()).activities} == {1}


async def test_a_second_signal_ends_a_worker_at_once_and_hands_back_what_it_holds(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client, asyncio.timeout(60):
        handle: RunHandle[int] = await client.start("draining:holding", str(tmp_path))
        process = spawn("--lease", LONG_LEASE, "--drain", "600")
        await until((tmp_path / "begun").exists, what="the activity")
        process.send_signal(signal.SIGINT)
        await said(process, "stopping; 1 activity may run for 600 s")

        process.send_signal(signal.SIGTERM)
        log = await ended(process)

        assert process.returncode == 0
        assert log.rstrip().endswith("stopped")
        assert (await handle.describe()).activities[0].state == "ready"
        (tmp_path / "go").touch()
        other = spawn("--lease", LONG_LEASE)
        assert await handle.result(timeout=LIMIT) == other.pid


async def test_a_worker_stops_in_good_order_while_the_database_is_away_for_a_moment(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client, asyncio.timeout(60):
        handle: RunHandle[int] = await client.start("draining:holding", str(tmp_path))
        process = spawn("--lease", LONG_LEASE, "--drain", "600")
        await until((tmp_path / "begun").exists, what="the activity")
        (tmp_path / "p.db").rename(tmp_path / "away.db")
        process.terminate()
        (tmp_path / "go").touch()
        await said(process, "the database cannot be used")

        (tmp_path / "away.db").rename(tmp_path / "p.db")
        await ended(process)

        assert process.returncode == 0
        activity = (await handle.describe()).activities[0]
        assert (activity.state, activity.attempt) == ("completed", 1)
        assert (await client.workers())[1][0].stopped_at is not None


async def test_a_worker_whose_database_stays_away_says_that_it_left_something(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client, asyncio.timeout(60):
        await client.start("draining:holding", str(tmp_path))
        process = spawn("--lease", "1", "--drain", "0")
        await until((tmp_path / "begun").exists, what="the activity")
        (tmp_path / "p.db").rename(tmp_path / "away.db")

        process.terminate()
        log = await ended(process)
        (tmp_path / "away.db").rename(tmp_path / "p.db")

        assert process.returncode == 1
        assert "cannot be handed back, giving up" in log
