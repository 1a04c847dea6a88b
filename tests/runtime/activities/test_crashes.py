"""Real worker processes that are killed with -9: nothing is repeated that must not be, and nothing said is forgotten."""

import asyncio
import functools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.runtime.processes import Spawn, spawning, until

from holdfast import Client, RunHandle

CODE = """
import asyncio
from datetime import timedelta
from pathlib import Path

from holdfast import activity, workflow

def note(folder, line):
    with Path(folder, "log").open("a") as file:
        file.write(line + "\\n")

def look_up(folder: str):
    note(folder, f"probe {activity.idempotency_key()}")
    known = Path(folder, "known")
    match known.read_text() if known.exists() else "":
        case "happened":
            return activity.Happened("receipt 7")
        case "nothing":
            return activity.NotHappened()
        case _:
            return None

@activity.define(effect="once", reconcile=look_up)
async def charge(folder: str) -> str:
    note(folder, f"charge {activity.idempotency_key()}")
    while not Path(folder, "go").exists():
        await asyncio.sleep(0.02)
    return "receipt 1"

@activity.define
def copy(folder: str) -> int:
    done = activity.heartbeat_details(int) or 0
    note(folder, f"copy from {done}")
    activity.heartbeat(done + 5)
    while not Path(folder, "go").exists() and not activity.is_cancelled():
        pass
    return done

@workflow.define
async def order(folder: str) -> str:
    return await charge(folder)

@workflow.define
async def copying(folder: str) -> int:
    return await copy(folder)
"""


@pytest.fixture
def spawn(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Iterator[Spawn]:
    module("shop", CODE)
    with spawning(tmp_path, "shop") as run:
        yield run


def log(folder: Path) -> list[str]:
    file = folder / "log"
    return file.read_text().splitlines() if file.exists() else []


def attempted(folder: Path, count: int) -> bool:
    return len(log(folder)) == count


async def health_of(handle: RunHandle[Any], wanted: str) -> None:
    deadline = time.monotonic() + 30
    while (code := (await handle.describe()).summary.verdict.code) != wanted:
        assert time.monotonic() < deadline, f"{code} in place of {wanted}"
        await asyncio.sleep(0.02)


async def heartbeat_of(handle: RunHandle[Any], wanted: int) -> None:
    for _ in range(1500):
        if (await handle.describe()).activities[0].heartbeat == wanted:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"no heartbeat {wanted} in the database")


async def killed_during_the_charge(client: Client, folder: Path, spawn: Spawn) -> RunHandle[str]:
    handle: RunHandle[str] = await client.start("shop:order", str(folder), id="r")
    first = spawn("--lease", "0.6")
    await until(lambda: log(folder), what="the attempt")
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    return handle


async def test_a_charge_that_happened_before_the_kill_is_not_repeated(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle = await killed_during_the_charge(client, tmp_path, spawn)
        (tmp_path / "known").write_text("happened")
        spawn("--lease", "0.6")

        assert await handle.result(timeout=timedelta(seconds=30)) == "receipt 7"
        assert log(tmp_path) == ["charge r/1", "probe r/1"]


async def test_a_charge_that_did_not_happen_before_the_kill_is_made_under_the_same_key(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle = await killed_during_the_charge(client, tmp_path, spawn)
        (tmp_path / "known").write_text("nothing")
        (tmp_path / "go").touch()
        spawn("--lease", "0.6")

        assert await handle.result(timeout=timedelta(seconds=30)) == "receipt 1"
        assert log(tmp_path) == ["charge r/1", "probe r/1", "charge r/1"]


def resolve(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holdfast", "resolve", "r", "1", "--db", "p.db", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


async def test_a_charge_that_nobody_can_tell_about_waits_for_a_person_at_the_command_line(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle = await killed_during_the_charge(client, tmp_path, spawn)
        spawn("--lease", "0.6")
        await health_of(handle, "human.attention")

        unfit = resolve(tmp_path, "--happened", "7", "--by", "ana")
        unsaid = resolve(tmp_path, "--by", "ana")
        done = resolve(tmp_path, "--happened", json.dumps("receipt 9"), "--by", "ana")
        twice = resolve(tmp_path, "--retry", "--by", "bo")

        assert (unfit.returncode, unsaid.returncode, done.returncode, twice.returncode) == (2, 2, 0, 2)  # fmt: skip
        assert "The result of charge does not decode as str" in unfit.stderr
        assert "exactly one of" in unsaid.stderr
        assert done.stdout == "r: activity #1 resolved by ana\n"
        assert "resolved by ana; only an activity in attention" in twice.stderr or (
            "Run r is completed already" in twice.stderr
        )
        assert await handle.result(timeout=timedelta(seconds=30)) == "receipt 9"
        assert log(tmp_path) == ["charge r/1", "probe r/1"]


async def test_what_an_attempt_said_before_the_kill_is_where_the_next_one_goes_on(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[int] = await client.start("shop:copying", str(tmp_path), id="r")
        for count in (1, 2):
            process = spawn("--lease", "0.6")
            await until(functools.partial(attempted, tmp_path, count), what="an attempt")
            await heartbeat_of(handle, count * 5)
            process.send_signal(signal.SIGKILL)
            process.wait()
        (tmp_path / "go").touch()
        spawn("--lease", "0.6")

        assert await handle.result(timeout=timedelta(seconds=30)) == 10
        assert log(tmp_path) == ["copy from 0", "copy from 5", "copy from 10"]


async def test_a_worker_asked_to_stop_leaves_a_charge_to_the_probe(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[str] = await client.start("shop:order", str(tmp_path), id="r")
        first = spawn("--drain", "0.1")
        await until(lambda: log(tmp_path), what="the attempt")
        first.terminate()
        await until(lambda: first.poll() is not None, what="the end of the worker")
        spawn()

        await health_of(handle, "human.attention")

        assert log(tmp_path) == ["charge r/1", "probe r/1"]
