"""A SQLite file that cannot grow, or cannot be written: a clear error, nothing damaged, and work goes on afterwards."""

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tests.fire import flows
from tests.fire.checking import Count, count, run_of

from holdfast import Client, Worker
from holdfast.errors import DatabaseUnavailableError

_ROOM = "max_page_count=1073741823"
_TRIES = 5  # refusals before there is room again


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what was counted, the errors that were shown, and what SQLite says of the file."""

    count: Count
    refused: tuple[str, ...]
    integrity: str

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return self.count.broken + (self.integrity != "ok") + (not self.refused)

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return (*self.count.details, *([] if self.integrity == "ok" else [self.integrity]))

    def __str__(self) -> str:
        return f"{self.count}; the file is {self.integrity}; {len(self.refused)} refusals, such as: {self.refused[0] if self.refused else '-'}"


async def disks(folder: Path, *, runs: int) -> Outcome:
    """Start runs until the file is full, make it read-only for a while, give it room again, and carry everything out."""
    path = folder / "full.db"
    refused: list[str] = []
    async with Client(path) as client:
        worker = Worker(client, workflows=[flows.order], activities=[flows.effect])
        working = asyncio.create_task(worker.run())
        try:
            pages = _pragma(client, "page_count")
            _pragma(client, f"max_page_count={pages}")
            for number in range(runs):
                refused += await _start(client, folder, number)
            _pragma(client, _ROOM)  # where every start still found a place, the worker did not
            _pragma(client, "query_only=ON")
            refused += await _start(client, folder, runs, allow="query_only=OFF")
            for number in range(runs + 1):
                await client.get(run_of(number)).result()
        finally:
            worker.stop()
            await working
        counted = await count(client, folder, range(runs + 1))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    return Outcome(count=counted, refused=tuple(refused), integrity=integrity)


async def _start(client: Client, folder: Path, number: int, *, allow: str = _ROOM) -> list[str]:
    """Start a run as a caller does who is told no: again, under the same ids; after some tries there is room again."""
    refused: list[str] = []
    while True:
        try:
            await client.start(flows.order, str(folder), number, id=run_of(number))
            for message, value in flows.messages_of(number):
                await client.signal(run_of(number), flows.MESSAGES, value, message=message)
        except DatabaseUnavailableError as error:
            refused.append(str(error))
            if len(refused) == _TRIES:
                _pragma(client, allow)
        else:
            return refused


def _pragma(client: Client, setting: str) -> int:
    """Change or read a setting of the connection that writes, between two transactions."""

    def change() -> int:
        engine = client.database._backend._writer  # type: ignore[attr-defined]
        with contextlib.closing(engine.raw_connection()) as connection:
            rows = connection.driver_connection.execute(f"PRAGMA {setting}").fetchall()
        return rows[0][0] if rows else 0

    return client.database._write_threads.submit(change).result()
