"""Workers killed while a family of runs is under way: each child starts once, and its result arrives once."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from holdfast import Client, RunHandle
from holdfast.history import ChildCompleted

CODE = """
import os
from holdfast import activity, workflow

@activity.define
async def note(folder: str, number: int) -> int:
    with open(os.path.join(folder, "log"), "a") as file:
        file.write(f"{number}\\n")
    return number

@workflow.define
async def child(item: list[str]) -> int:
    return await note(item[0], int(item[1]))

@workflow.define
async def parent(folder: str, count: int) -> list[int]:
    return await workflow.map(child, [[folder, str(n)] for n in range(count)], limit=3)
"""
COUNT = 20


def spawn(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)


async def test_every_child_starts_once_and_is_heard_of_once_whatever_dies(
    tmp_path: Path, module: Callable[[str, str], ModuleType]
) -> None:
    module("family", CODE)
    command = [sys.executable, "-m", "holdfast", "worker", "family", "--db", "p.db", "--lease", "0.6"]  # fmt: skip
    log = tmp_path / "log"
    async with Client(tmp_path / "p.db") as client:
        run: RunHandle[list[int]] = await client.start(
            "family:parent", str(tmp_path), COUNT, id="r"
        )
        for goal in (2, 6, 11, 15, COUNT):
            process = spawn(command, tmp_path)
            try:
                deadline = time.monotonic() + 40
                while not log.exists() or len(set(log.read_text().split())) < goal:
                    assert time.monotonic() < deadline, f"waited for {goal} children"
                    await asyncio.sleep(0.01)
                if goal == COUNT:
                    assert await run.result() == list(range(COUNT))
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()

        history = await run.history()
        assert len((await run.describe()).children) == COUNT
        heard = [t.event.seq for t in history.turns if isinstance(t.event, ChildCompleted)]
        started = [
            c.seq for t in history.turns for c in t.commands or () if c.kind == "start_child"
        ]
        assert sorted(heard) == started
