"""Runs while worker processes are killed at random: nothing is lost, doubled or stuck, and everything replays."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from tests.fire import flows
from tests.fire.checking import Count, count, run_of
from tests.fire.fleet import Fleet, fleet
from tests.fire.progress import say

from holdfast import Client
from holdfast._store.database import Tx
from holdfast._store.tables import run

WORKERS = 4
_LEASE = "1.5"  # seconds
_AHEAD = 200  # runs that are open at once, so that kills meet all of them in all states
_LOOKED_AT = 10  # seconds without a run that ends, after which a person looks
_STALLED = 120  # seconds without a run that ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what was counted, and how many workers were killed meanwhile."""

    count: Count
    kills: int
    released: int
    seconds: float

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return self.count.broken

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return self.count.details

    def __str__(self) -> str:
        return (
            f"{self.count}; {self.kills} workers killed, {self.released} times a person let go on what three kills in a row "
            f"had met, {self.count.runs / self.seconds:.0f} runs/s"
        )


async def kills(
    folder: Path, url: str, *, runs: int, pause: tuple[float, float], seed: int
) -> Outcome:
    """Carry out `runs` on four workers, one of which is killed after each pause, drawn between two bounds in seconds."""
    draw = random.Random(seed)
    began = time.monotonic()
    numbers = range(runs)
    async with Client(url) as client:
        with fleet(folder, url, "--lease", _LEASE) as workers:
            for _ in range(WORKERS):
                workers.start()
            feeding = asyncio.create_task(_feed(client, folder, numbers, draw))
            killing = asyncio.create_task(_kill(workers, draw, pause))
            try:
                await feeding
                released = await _until_closed(client, runs)
            finally:
                killing.cancel()
                done = await asyncio.gather(killing, return_exceptions=True)
        if not isinstance(done[0], asyncio.CancelledError):
            raise AssertionError(f"the killing ended by itself: {done[0]!r}")  # noqa: TRY004 - no type was passed
        counted = await count(client, folder, numbers)
    return Outcome(
        count=counted, kills=len(workers.started) - WORKERS, released=released, seconds=time.monotonic() - began
    )  # fmt: skip


async def _feed(client: Client, folder: Path, numbers: range, draw: random.Random) -> None:
    """Start every run and send its messages, each call twice, as a caller does that never saw the answer."""
    for number in numbers:
        while number - await client.database.read(_closed) > _AHEAD:
            say(f"{await client.database.read(_closed)} of {len(numbers)} runs closed")
            await asyncio.sleep(0.2)
        for _ in range(2):
            await client.start(flows.order, str(folder), number, id=run_of(number))
        sends = flows.messages_of(number) * 2
        draw.shuffle(sends)
        for message, value in sends:
            await client.signal(run_of(number), flows.MESSAGES, value, message=message)


async def _kill(workers: Fleet, draw: random.Random, pause: tuple[float, float]) -> None:
    while True:
        await asyncio.sleep(draw.uniform(*pause))
        died = [process for process in workers.started if process.poll() not in {None, -9}]
        if died:
            raise AssertionError(f"a worker ended by itself:\n{workers.logs()[-4000:]}")
        workers.kill(draw.choice(workers.running))
        workers.start()


async def _until_closed(client: Client, runs: int) -> int:
    """Wait for every run to end, and return how many had to be let go on by hand.

    Kills that come this often meet the same task three times in a row now and then, and then it is isolated, as one is
    that kills its workers. Whoever watches does what the dashboard says, and it is counted.
    """
    closed, released, changed = -1, 0, time.monotonic()
    while closed < runs:
        now = await client.database.read(_closed)
        if now != closed:
            closed, changed = now, time.monotonic()
        say(f"{closed} of {runs} runs closed")
        if time.monotonic() - changed > _STALLED:
            break  # what is open is counted as stuck
        if time.monotonic() - changed > _LOOKED_AT:
            for held in await client.list(health="stuck.poison_task"):
                await client.retry(held.id)
                released += 1
        await asyncio.sleep(0.2)
    return released


def _closed(tx: Tx) -> int:
    found: int = tx.conn.execute(
        select(func.count()).where(run.c.closed_at.is_not(None))
    ).scalar_one()
    return found
