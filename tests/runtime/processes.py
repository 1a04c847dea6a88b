"""Real worker processes of a test, and waiting for what they do."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Spawn = Callable[..., subprocess.Popen[str]]


@contextlib.contextmanager
def spawning(folder: Path, module: str) -> Iterator[Spawn]:
    """Start workers of a module in a folder, on its `p.db`; those that still run are killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "holdfast", "worker", module, "--db", "p.db", *arguments]
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


async def until(condition: Callable[[], object], *, what: str, seconds: float = 30) -> None:
    """Wait until a condition holds: for what happens in other threads and processes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        await asyncio.sleep(0.01)
