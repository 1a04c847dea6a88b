"""A SQLite file that cannot grow, or cannot be written: a clear error, nothing damaged, and work goes on afterwards."""

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tests.fire import flows
from tests.fire.checking import Count, count, run_of

from holdfast import Client, Worker
from holdfast._store.database import Tx
from holdfast.errors import StoreError

_ROOM = 2  # pages


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
        return (*self.count.details, f"integrity: {self.integrity}")

    def __str__(self) -> str:
        return f"{self.count}; the file is {self.integrity}; {len(self.refused)} refusals, such as: {self.refused[0] if self.refused else '-'}"


async def disks(folder: Path, *, runs: int) -> Outcome:
    """Start runs until the file is full, make it read-only for a while, give it room again, and carry everything out."""
    path = folder / "full.db"
    refused: list[str] = []
    async with Client(path) as client:
        worker = Worker(client, workflows=[flows.order], activities=[flows.effect])
        working = asyncio.create_task(worker.run())
        limit = client.database.write_now(_pages) + _ROOM
        client.database.write_now(_limit, limit)
        for number in range(runs):
            for _ in range(100):
                try:
                    await client.start(flows.order, str(folder), number, id=run_of(number))
                    for message, value in flows.messages_of(number):
                        await client.signal(run_of(number), flows.MESSAGES, value, message=message)
                    break
                except StoreError as error:
                    refused.append(str(error))
                    client.database.write_now(_limit, 2**30 if len(refused) > 3 else limit)
                    await asyncio.sleep(0.05)
        client.database.write_now(_read_only, on=True)
        await asyncio.sleep(0.2)
        try:
            await client.start(flows.order, str(folder), runs, id=run_of(runs))
        except StoreError as error:
            refused.append(str(error))
        client.database.read_now(_read_only_off)
        for number in range(runs):
            await client.get(run_of(number)).result()
        worker.stop()
        await working
        counted = await count(client, folder, range(runs))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    return Outcome(count=counted, refused=tuple(refused), integrity=integrity)


def _pages(tx: Tx) -> int:
    pages: int = tx.conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    return pages


def _limit(tx: Tx, pages: int) -> None:
    tx.conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def _read_only(tx: Tx, *, on: bool) -> None:
    tx.conn.exec_driver_sql(f"PRAGMA query_only={'ON' if on else 'OFF'}")


def _read_only_off(tx: Tx) -> None:
    tx.conn.exec_driver_sql("PRAGMA query_only=OFF")
