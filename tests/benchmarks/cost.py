"""What a run and a step cost a database: commits, statements, rows and bytes, on both stores.

Run it with `poe bench-cost`. It exits 1 where an aim is missed. Nothing in it depends on the speed of the machine.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text
from tests import postgres
from tests.benchmarks.figures import progress
from tests.statements import recorded

from holdfast import Client, Worker, activity, workflow
from holdfast._store.database import Tx
from holdfast._store.tables import run

STEPS = 5
AIM_COMMITS = 1.0  # a step: its result, the turn that follows and the next commands together
_PAYLOAD = "x" * 100


@activity.define
async def charge(number: int) -> str:
    """Return as much as a receipt is long."""
    return f"{number} {_PAYLOAD}"


@workflow.define
async def order(number: int, steps: int) -> int:
    """Carry out some steps, one after the other."""
    for step in range(steps):
        await charge(number + step)
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Be what a number of runs has cost, for each of them."""

    commits: float
    statements: float
    rows: float
    bytes: float
    log: float

    def step(self, bare: "Cost") -> "Cost":
        """Return what each step adds to a run without one."""
        return Cost(
            commits=(self.commits - bare.commits) / STEPS, statements=(self.statements - bare.statements) / STEPS,
            rows=(self.rows - bare.rows) / STEPS, bytes=(self.bytes - bare.bytes) / STEPS,
            log=(self.log - bare.log) / STEPS,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.commits:8.2f} {self.statements:11.1f} {self.rows:6.1f} {self.bytes:8,.0f} {self.log:8,.0f}"


def main() -> int:
    """Measure, print a table, and return 0 where the aim is met."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=100)
    runs = options.parse_args().runs
    if runs < 1:
        options.error("--runs must be at least 1")
    steps = {}
    print(f"{'':22}  commits  statements   rows    bytes  bytes of log")
    for store in ("sqlite", "postgres"):
        costs = {}
        for count in (0, STEPS):
            progress(f"{store}: {runs} runs of {count} steps")
            with tempfile.TemporaryDirectory() as folder, _database(store, Path(folder)) as url:
                costs[count] = asyncio.run(_cost(url, runs, count))
        steps[store] = costs[STEPS].step(costs[0])
        print(f"  {store + ', a run':20} {costs[0]}")
        print(f"  {store + ', a step':20} {steps[store]}")
    return _verdict(steps)


def _verdict(steps: Mapping[str, Cost]) -> int:
    worst = max(step.commits for step in steps.values())
    is_met = worst <= AIM_COMMITS
    print(
        f"{'met' if is_met else 'MISSED'}: {worst:.2f} commits a step (aim at most {AIM_COMMITS:g}), "
        f"{max(step.rows for step in steps.values()):.1f} rows"
    )
    return 0 if is_met else 1


@contextmanager
def _database(store: str, folder: Path) -> Iterator[str]:
    if store == "sqlite":
        yield str(folder / "cost.db")
        return
    with postgres.running(postgres.DURABLE) as server:
        yield server.url()


async def _cost(url: str, runs: int, steps: int) -> Cost:
    async with Client(url) as client:
        worker = Worker(client, workflows=[order], activities=[charge])
        await client.start(order, 0, steps, id="first")  # what is cached is not counted
        await worker.run_until_idle()
        before = [await client.database.read(read) for read in (_rows, _bytes, _log)]
        with recorded() as statements:
            for number in range(runs):
                await client.start(order, number, steps)
            await worker.run_until_idle()
        rows, size, log = [
            await client.database.read(read) - earlier
            for read, earlier in zip((_rows, _bytes, _log), before, strict=True)
        ]
        if len(await client.list(health="closed.completed", limit=runs + 1)) != runs + 1:
            raise AssertionError("not every run has completed")
    return Cost(
        commits=statements.commits / runs, statements=statements.sent / runs, rows=rows / runs, bytes=size / runs,
        log=log / runs,
    )  # fmt: skip


def _rows(tx: Tx) -> int:
    return sum(
        tx.conn.execute(select(func.count()).select_from(table)).scalar_one()
        for table in run.metadata.sorted_tables
    )


def _bytes(tx: Tx) -> int:
    return _asked(
        tx,
        sqlite="SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        postgresql="SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = current_schema()::regnamespace",
    )


def _log(tx: Tx) -> int:
    return _asked(tx, sqlite="SELECT 0", postgresql="SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")


def _asked(tx: Tx, **queries: str) -> int:
    return int(tx.conn.execute(text(queries[tx.conn.dialect.name])).scalar_one())


if __name__ == "__main__":
    raise SystemExit(main())
