"""A database that goes away: restarted, its connections ended, or replaced by its standby. Workers come back by themselves."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
from tests import postgres
from tests.fire import flows
from tests.fire.checking import Count, count, run_of
from tests.fire.fleet import fleet
from tests.fire.waiting import until

from holdfast import Client
from holdfast.errors import DatabaseUnavailableError

T = TypeVar("T")
WORKERS = 2
_LEASE = "5"  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what was counted after an outage, and the workers that did not survive it."""

    count: Count
    outages: int
    died: int

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return self.count.broken + self.died

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return self.count.details

    def __str__(self) -> str:
        return f"{self.outages} outages; {self.count}; {self.died} workers that ended"


@dataclass(frozen=True, slots=True)
class Place:
    """Be the servers of one scenario: `url` reaches whichever of them is the primary."""

    url: str
    primary: postgres.Server
    standby: postgres.Server | None = None


async def restarts(place: Place, draw: random.Random) -> None:
    """Stop the server like a power cut or with a shutdown, and start it again."""
    await asyncio.to_thread(place.primary.stop, draw.choice(["immediate", "fast"]))
    await asyncio.sleep(draw.uniform(0, 1))
    await asyncio.to_thread(place.primary.start)


async def terminations(place: Place, draw: random.Random) -> None:
    """End every connection of the workers and of this process, a few times."""
    for _ in range(5):
        with psycopg.connect(place.primary.url(), autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'"
            )
        await asyncio.sleep(draw.uniform(0.05, 0.3))


async def failover(place: Place, _draw: random.Random) -> None:
    """Let the primary vanish, and the standby take over; it had confirmed every commit."""
    if place.standby is None:
        raise ValueError("a failover needs a standby")
    await asyncio.to_thread(place.primary.stop, "immediate")
    await asyncio.to_thread(place.standby.promote)
    with psycopg.connect(place.standby.url(), autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        conn.execute("SELECT pg_reload_conf()")


async def outages(
    folder: Path,
    place: Place,
    cause: Callable[[Place, random.Random], Awaitable[None]],
    *,
    runs: int,
    times: int,
    seed: int,
) -> Outcome:
    """Let the database go away some times while runs go on."""
    draw = random.Random(seed)
    async with Client(place.url) as client:
        with fleet(folder, place.url, "--lease", _LEASE) as workers:
            for _ in range(WORKERS):
                workers.start()
            feeding = asyncio.create_task(_feed(client, folder, runs))
            for _ in range(times):
                await asyncio.sleep(draw.uniform(0.5, 1.5))
                await cause(place, draw)
            await feeding
            for number in range(runs):

                async def ended(number: int = number) -> bool:
                    return (
                        await _patiently(partial(client.describe, run_of(number)))
                    ).evidence.closed_at is not None

                await until(ended, what=f"the end of {run_of(number)}", seconds=120)
            died = sum(process.poll() is not None for process in workers.started)
        counted = await count(client, folder, range(runs))
    return Outcome(count=counted, outages=times, died=died)


async def _feed(client: Client, folder: Path, runs: int) -> None:
    for number in range(runs):
        run_id = run_of(number)
        await _patiently(partial(client.start, flows.order, str(folder), number, id=run_id))
        for message, value in flows.messages_of(number):
            send = partial(client.signal, run_id, flows.MESSAGES, value, message=message)
            await _patiently(send)
        await asyncio.sleep(0.02)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the database answers: what was not acknowledged is asked for again, under the same id."""
    for _ in range(100):
        try:
            return await ask()
        except DatabaseUnavailableError:
            await asyncio.sleep(0.2)
    raise TimeoutError("the database did not come back")


@asynccontextmanager
async def one_server() -> AsyncIterator[Place]:
    """Start a server of its own that keeps what it has acknowledged."""
    with postgres.running(postgres.DURABLE) as server:
        yield Place(server.url(), server)


@asynccontextmanager
async def two_servers() -> AsyncIterator[Place]:
    """Start a server, and one that follows it and confirms every commit."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-standby-"))
    with postgres.running({**postgres.DURABLE, "wal_level": "replica"}) as primary:
        standby = postgres.standby_of(primary, folder)
        standby.start()
        try:
            with psycopg.connect(primary.url(), autocommit=True) as conn:
                conn.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                conn.execute("SELECT pg_reload_conf()")
            url = (
                f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres"
            )
            yield Place(url, primary, standby)
        finally:
            standby.stop("immediate")
            shutil.rmtree(folder, ignore_errors=True)
