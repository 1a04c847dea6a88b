"""A worker that is stopped past its lease and goes on: what it brings then is refused."""

import asyncio
import contextlib
import re
import signal
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.fire import flows, ledger
from tests.fire.fleet import fleet
from tests.fire.waiting import until

from holdfast import Client

_LEASE = "0.8"  # seconds
_REFUSED = re.compile(r"(was|is) not recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what came of the zombies."""

    zombies: int
    refused: int
    recorded: int
    doubled: int

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return (self.zombies - self.refused) + self.recorded + self.doubled

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return ()

    def __str__(self) -> str:
        return (
            f"{self.zombies} attempts went on after their lease: {self.refused} refused, {self.recorded} recorded, "
            f"{self.doubled} doubled effects"
        )


async def _stop(process: subprocess.Popen[bytes], url: str) -> None:
    """Stop a process in mid-attempt, but not in the middle of a write to a SQLite file: that would stop all others too."""
    for _ in range(200):
        process.send_signal(signal.SIGSTOP)
        if "://" in url or _is_free(url):
            return
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.05)
    raise TimeoutError("the worker was in the middle of a write whenever it was looked at")


def _is_free(path: str) -> bool:
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


async def zombies(folder: Path, url: str, *, runs: int) -> Outcome:
    """Stop a worker in mid-attempt of every run, let another finish, and let the first go on."""
    async with Client(url) as client:
        with fleet(folder, url, "--lease", _LEASE, "--slots", str(runs)) as workers:
            for number in range(runs):
                await client.start(flows.holding, str(folder), number, id=f"held-{number}")
            first = workers.start()

            async def begun() -> bool:
                return len(ledger.read(folder)) >= runs

            await until(begun, what="the first attempts")
            await _stop(first, url)
            second = workers.start()

            async def again() -> bool:
                return len(ledger.read(folder)) >= 2 * runs

            await until(again, what="the second attempts")
            (folder / "gate").touch()
            results: list[object] = [
                await client.get(f"held-{number}").result() for number in range(runs)
            ]
            first.send_signal(signal.SIGCONT)

            async def told() -> bool:
                return len(_REFUSED.findall(workers.logs())) >= runs or first.poll() is not None

            await until(told, what="the refusals")
            refused = len(_REFUSED.findall(workers.logs()))
            pids = {pid for _, _, pid in ledger.read(folder)}
        if pids != {first.pid, second.pid}:
            raise AssertionError(f"attempts ran in {pids}, not in {first.pid} and {second.pid}")
        histories = [await client.history(f"held-{number}") for number in range(runs)]
    ends = [
        sum(turn.event.kind == "activity_completed" for turn in found.turns) for found in histories
    ]
    recorded = sum(count - 1 for count in ends)
    late = sum(attempt != 2 for attempt in results)
    return Outcome(
        zombies=runs, refused=refused, recorded=recorded + late, doubled=len(ledger.doubled(folder))
    )
