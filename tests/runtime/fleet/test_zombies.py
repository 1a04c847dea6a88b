"""A worker process that slept past its lease wakes up as one that has nothing to say."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.runtime.processes import Spawn, spawning, until

from holdfast import Client, RunHandle, Worker, activity, workflow
from holdfast._store import activities, limits, runs
from holdfast._store.records import ActivityClaim, RunClaim
from holdfast.clock import VirtualClock

CODE = """
import os, time
from holdfast import activity, workflow

@activity.define
def write(folder: str) -> int:
    with open(os.path.join(folder, "attempts"), "a") as file:
        file.write(f"{os.getpid()}\\n")
    while not os.path.exists(os.path.join(folder, "go")):
        time.sleep(0.01)
    key = activity.idempotency_key().replace("/", "-")
    try:  # the outside world tells the same effect by its key
        os.close(os.open(os.path.join(folder, f"effect-{key}"), os.O_CREAT | os.O_EXCL))
        made = "made"
    except FileExistsError:
        made = "known"
    with open(os.path.join(folder, "effects"), "a") as file:
        file.write(f"{os.getpid()} {made}\\n")
    return os.getpid()

@workflow.define
async def writing(folder: str) -> int:
    return await write(folder)
"""


Held = tuple[list[RunClaim], list[ActivityClaim]]


@activity.define
async def step(value: int) -> int:
    return value


@workflow.define
async def flow(value: int) -> int:
    return await step(value)


@pytest.fixture
def spawn(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Iterator[Spawn]:
    module("zombies", CODE)
    with spawning(tmp_path, "zombies") as run:
        yield run


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


async def stopped(process: subprocess.Popen[str], database: Path) -> None:
    """Stop a process in mid-activity, but not in mid-commit: there it would hold the lock of the whole file."""
    while True:
        process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitpid, process.pid, os.WUNTRACED)
        with contextlib.closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as own:
            try:
                own.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.01)
            else:
                own.execute("ROLLBACK")
                return


async def test_what_a_stopped_worker_brings_after_its_lease_is_refused(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[int] = await client.start("zombies:writing", str(tmp_path), id="r")
        first = spawn("--lease", "0.6")
        await until(lambda: lines(tmp_path / "attempts"), what="the first attempt")
        await stopped(first, tmp_path / "p.db")
        second = spawn("--lease", "0.6")
        await until(lambda: len(lines(tmp_path / "attempts")) == 2, what="the second attempt")
        (tmp_path / "go").touch()
        assert await handle.result(timeout=timedelta(seconds=30)) == second.pid
        before = (await handle.describe()).activities, await handle.history()

        first.send_signal(signal.SIGCONT)
        await until(lambda: len(lines(tmp_path / "effects")) == 2, what="the effect of the zombie")
        first.terminate()
        assert await asyncio.to_thread(first.wait, 30) == 0

        assert ((await handle.describe()).activities, await handle.history()) == before
        assert lines(tmp_path / "effects") == [f"{second.pid} made", f"{first.pid} known"]


async def test_a_lease_that_was_taken_over_is_not_renewed(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(flow, 1, id="r")
    await Worker(client, workflows=[flow]).run_until_idle()
    await client.start(flow, 1, id="other")
    prints = {"flow": flow.definition.fingerprint}

    def claim(owner: str) -> Held:
        client.database.write_now(limits.enforce, limit=9)
        return client.database.write_now(
            runs.claim_runs, worker=owner, queue="default", fingerprints=prints, limit=9, lease_ms=1_000
        ), client.database.write_now(
            activities.claim_activities, worker_id=owner, queue="default", names=["step"], limit=9, lease_ms=1_000
        )  # fmt: skip

    def beat(owner: str, held: Held) -> int:
        lost = client.database.write_now(
            activities.beat, owner, loop_age_ms=0, stack=None, busy=1, lease_ms=1_000, runs=held[0],
            activities=[(claim, None) for claim in held[1]],
        )  # fmt: skip
        return len(lost.runs) + len(lost.activities)

    one = claim("one")
    clock.advance(timedelta(milliseconds=1_001))
    renewed_late = beat("one", one)  # nobody has taken them over yet
    clock.advance(timedelta(milliseconds=1_001))
    two = claim("two")

    assert ([len(held) for held in one], [len(held) for held in two]) == ([1, 1], [1, 1])
    assert renewed_late == 0
    assert beat("one", one) == 2
    assert beat("two", two) == 0
