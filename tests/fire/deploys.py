"""A rolling deploy under load: no run waits for a lease to end, and nobody logs an error."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.fire import flows
from tests.fire.checking import Count, count, run_of
from tests.fire.fleet import Fleet, fleet
from tests.fire.waiting import until

from holdfast import Client

WORKERS = 3
_LEASE = (
    "600"  # seconds: a lease that is not handed back is waited for past every patience of this test
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what was counted, and what was not as it should be."""

    count: Count
    deploys: int
    waited: int
    errors: tuple[str, ...]
    exits: tuple[int, ...]

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return (
            self.count.broken
            + self.waited
            + len(self.errors)
            + sum(code != 0 for code in self.exits)
        )

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return (
            *self.count.details,
            *self.errors,
            *(f"exit code {code}" for code in self.exits if code),
        )

    def __str__(self) -> str:
        return (
            f"{self.count}; {self.deploys} workers replaced one by one, {self.waited} attempts lost with their worker, "
            f"{len(self.errors)} lines logged as errors or warnings"
        )


async def deploys(folder: Path, url: str, *, runs: int, rounds: int) -> Outcome:
    """Replace each of three workers in turn, some rounds, while runs go on."""
    async with Client(url) as client:
        with fleet(folder, url, "--lease", _LEASE) as workers:
            for _ in range(WORKERS):
                workers.start()
            feeding = asyncio.create_task(_feed(client, folder, runs))
            exits = [await _replace(workers) for _ in range(rounds * WORKERS)]
            await feeding
            for number in range(runs):

                async def ended(number: int = number) -> bool:
                    return (await client.describe(run_of(number))).evidence.closed_at is not None

                await until(ended, what=f"the end of {run_of(number)}", seconds=120)
            logs = workers.logs()
        counted = await count(client, folder, range(runs))
        waited = 0
        for number in range(runs):
            rows = (await client.describe(run_of(number))).activities
            waited += sum(row.attempt > 1 for row in rows)
    errors = tuple(
        line
        for line in logs.splitlines()
        if "ERROR" in line or "WARNING" in line or "Traceback" in line
    )
    return Outcome(
        count=counted, deploys=len(exits), waited=waited, errors=errors, exits=tuple(exits)
    )


async def _feed(client: Client, folder: Path, runs: int) -> None:
    for number in range(runs):
        await client.start(flows.order, str(folder), number, id=run_of(number))
        for message, value in flows.messages_of(number):
            await client.signal(run_of(number), flows.MESSAGES, value, message=message)
        await asyncio.sleep(0.02)


async def _replace(workers: Fleet) -> int:
    """Start the new worker first, as a deployment does, then ask the oldest to stop."""
    newest = workers.start()
    oldest = workers.running[0]

    async def up() -> bool:
        return workers.is_up(newest) and workers.is_up(oldest)

    async def gone() -> bool:
        return oldest.poll() is not None

    await until(up, what="a new worker")
    oldest.send_signal(signal.SIGTERM)
    await until(gone, what="the end of a worker that was asked to stop")
    return oldest.returncode
