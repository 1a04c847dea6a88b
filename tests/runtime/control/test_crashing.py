"""A worker killed while a terminated run is undone: the next one goes on, and the keys stay the same."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.runtime.processes import Spawn, spawning, until

from holdfast import Client, RunHandle
from holdfast.errors import RunFailedError, RunTerminatedError

CODE = """
import asyncio, os
from holdfast import ApplicationError, activity, workflow

def note(folder: str, line: str) -> None:
    with open(os.path.join(folder, "log"), "a") as file:
        file.write(line + "\\n")

@activity.define
async def book(folder: str, what: str) -> None:
    note(folder, f"book {what}")

@activity.define
async def cancel(folder: str, what: str) -> None:
    note(folder, f"cancel {what} {activity.info().attempt} {activity.idempotency_key()}")
    while what == "two" and not os.path.exists(os.path.join(folder, "go")):
        await asyncio.sleep(0.02)

async def booked(folder: str) -> None:
    for what in ("one", "two", "three"):
        workflow.compensate(cancel, folder, what)
        await book(folder, what)

@workflow.define
async def waiting(folder: str) -> None:
    await booked(folder)
    await asyncio.sleep(86_400)

@workflow.define
async def failing(folder: str) -> None:
    await booked(folder)
    raise ApplicationError("no")
"""


@pytest.fixture
def spawn(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Iterator[Spawn]:
    module("travel", CODE)
    with spawning(tmp_path, "travel") as run:
        yield run


def log(folder: Path) -> list[str]:
    file = folder / "log"
    return file.read_text().splitlines() if file.exists() else []


UNDONE = ["cancel three 1 r/5", "cancel two 1 r/3", "cancel two 2 r/3", "cancel one 1 r/1"]


async def test_a_termination_survives_the_death_of_the_worker_that_undoes(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[None] = await client.start("travel:waiting", str(tmp_path), id="r")
        first = spawn("--lease", "0.6")
        await until(lambda: len(log(tmp_path)) == 3, what="the bookings")

        await handle.terminate(reason="test")
        await until(lambda: "cancel two 1 r/3" in log(tmp_path), what="the second compensation")
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert (await handle.describe()).summary.status == "open"
        spawn("--lease", "0.6")
        await until(lambda: "cancel two 2 r/3" in log(tmp_path), what="its second attempt")
        (tmp_path / "go").touch()

        with pytest.raises(RunTerminatedError):
            await handle.result()
        assert [line for line in log(tmp_path) if line.startswith("cancel")] == UNDONE


async def test_a_failing_run_survives_the_death_of_the_worker_that_undoes(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[None] = await client.start("travel:failing", str(tmp_path), id="r")
        first = spawn("--lease", "0.6")
        await until(lambda: "cancel two 1 r/3" in log(tmp_path), what="the second compensation")
        first.send_signal(signal.SIGKILL)
        first.wait()
        spawn("--lease", "0.6")
        await until(lambda: "cancel two 2 r/3" in log(tmp_path), what="its second attempt")
        (tmp_path / "go").touch()

        with pytest.raises(RunFailedError):
            await handle.result()
        assert [line for line in log(tmp_path) if line.startswith("cancel")] == UNDONE


async def test_a_run_terminated_while_it_undoes_itself_undoes_each_step_once(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Client(tmp_path / "p.db") as client:
        handle: RunHandle[None] = await client.start("travel:failing", str(tmp_path), id="r")
        spawn("--lease", "0.6")
        await until(lambda: "cancel two 1 r/3" in log(tmp_path), what="the second compensation")

        await handle.terminate(reason="test")
        (tmp_path / "go").touch()

        with pytest.raises(RunTerminatedError):
            await handle.result()
        expected = ["cancel three 1 r/5", "cancel two 1 r/3", "cancel one 1 r/1"]
        assert [line for line in log(tmp_path) if line.startswith("cancel")] == expected
