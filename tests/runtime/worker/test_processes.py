"""Real worker processes: killed, stopped in good order, and blocked."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.runtime.processes import Spawn, spawning, until

from holdfast import Client, RunHandle
from holdfast._troubles import Troubles
from holdfast._watchdog import Watchdog

CODE = """
import asyncio, os, time
from pathlib import Path
from holdfast import activity, workflow

@activity.define
async def slow(folder: str) -> int:
    with open(os.path.join(folder, "attempts"), "a") as file:
        file.write(f"{activity.info().attempt} {activity.idempotency_key()} {os.getpid()}\\n")
    while not os.path.exists(os.path.join(folder, "go")):
        await asyncio.sleep(0.02)
    return os.getpid()

@activity.define
def thread(folder: str) -> int:
    with open(os.path.join(folder, "attempts"), "a") as file:
        file.write(f"{activity.info().attempt}\\n")
    time.sleep(600)
    return 0

@workflow.define
async def threaded(folder: str) -> int:
    return await thread(folder)

@workflow.define
async def flow(folder: str) -> int:
    return await slow(folder)
"""


@pytest.fixture
def spawn(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Iterator[Spawn]:
    module("agent", CODE)
    with spawning(tmp_path, "agent") as run:
        yield run


def attempts(folder: Path) -> list[list[str]]:
    file = folder / "attempts"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.construct("activity.idempotency_key")
async def test_a_killed_worker_is_replaced_and_the_key_stays_the_same(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[int] = await client.start("agent:flow", str(tmp_path), id="r")
        first = spawn("--lease", "0.6")
        await until(lambda: attempts(tmp_path), what="the first attempt")

        first.send_signal(signal.SIGKILL)
        second = spawn("--lease", "0.6")
        await until(lambda: len(attempts(tmp_path)) == 2, what="the second attempt")
        (tmp_path / "go").touch()

        assert await handle.result() == second.pid
        assert first.wait() == -signal.SIGKILL
        assert [row[:2] for row in attempts(tmp_path)] == [["1", "r/1"], ["2", "r/1"]]
        assert len((await handle.history()).turns) == 2


async def test_a_worker_asked_to_stop_finishes_what_it_has_begun(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        await client.start("agent:flow", str(tmp_path), id="r")
        process = spawn()
        await until(lambda: attempts(tmp_path), what="the attempt")

        process.terminate()
        (tmp_path / "go").touch()
        _, stderr = process.communicate(timeout=30)

        assert process.returncode == 0, stderr
        assert stderr.rstrip().endswith("stopped")
        activity = (await client.describe("r")).activities[0]
        assert (activity.state, activity.attempt) == ("completed", 1)
        _, workers = await client.workers()
        assert workers[0].stopped_at is not None


async def test_a_worker_that_stops_leaves_no_thread_at_work(tmp_path: Path, spawn: Spawn) -> None:
    async with Client(tmp_path / "p.db") as client:
        await client.start("agent:threaded", str(tmp_path), id="r")
        process = spawn("--drain", "0.1")
        await until(lambda: attempts(tmp_path), what="the attempt")

        process.terminate()
        await until(lambda: process.poll() is not None, what="the end of the process")

        assert process.returncode == 0
        assert (await client.describe("r")).activities[
            0
        ].state == "ready"  # handed back, not waited for


async def test_two_workers_share_many_runs_and_do_each_once(tmp_path: Path, spawn: Spawn) -> None:
    (tmp_path / "go").touch()
    async with Client(tmp_path / "p.db") as client:
        handles: list[RunHandle[int]] = [
            await client.start("agent:flow", str(tmp_path)) for _ in range(30)
        ]
        spawn()
        spawn()

        await asyncio.gather(*(handle.result() for handle in handles))

        assert sorted(row[1] for row in attempts(tmp_path)) == sorted(f"{h.id}/1" for h in handles)


@pytest.mark.construct("Client.workers")
def test_the_watchdog_names_the_line_at_which_the_loop_hangs() -> None:
    seen: list[tuple[int, str]] = []
    noticed = threading.Event()

    def beat(age_ms: int, stack: str | None) -> None:
        if stack is not None:
            seen.append((age_ms, stack))
            noticed.set()

    async def hang() -> None:
        watchdog = Watchdog(beat, interval=0.05, troubles=Troubles())
        watchdog.start(asyncio.get_running_loop())
        assert noticed.wait(20)  # blocks the loop until the watchdog has said so
        await asyncio.to_thread(watchdog.stop)

    asyncio.run(hang())

    age_ms, stack = seen[0]
    assert age_ms >= 1000
    assert "hang" in stack or "wait" in stack
    assert os.getpid() > 0
