"""What a worker costs while thousands of runs wait: memory and CPU, beside a worker without a run.

Run it with `poe bench-parked`. It exits 1 where an aim is missed. It reads /proc, so it needs Linux.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.benchmarks.figures import progress, thousands
from tests.benchmarks.parking import approving, napping

from holdfast import Client, Worker

AIM_CPU = 0.01  # of one core
AIM_GROWTH = 8 * 1024  # KiB, however many runs wait: the page caches of three connections are 6 MiB
ROOT = Path(__file__).parents[2]
_BATCH = 250
_SETTLE = 3.0  # seconds
_START = 30.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """Be what a process has used up to now."""

    cpu: float  # seconds
    rss: int  # KiB


def main() -> int:
    """Measure, print a table, and return 0 where both aims are met."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), options.runs, options.seconds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="half of them on approvals")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long they are watched")
    options = parser.parse_args()
    if options.runs < 2 or options.seconds <= 0:
        parser.error("--runs must be at least 2, and --seconds positive")
    if not Path("/proc/self/stat").exists():
        parser.error("this benchmark reads /proc, so it needs Linux")
    return options


async def _measure(folder: Path, runs: int, seconds: float) -> int:
    async with Client(folder / "full.db") as full, Client(folder / "empty.db") as empty:
        await _park(full, runs)
        waiting = await full.health_counts()
        with _worker(folder / "full.db") as busy, _worker(folder / "empty.db") as idle:
            await asyncio.gather(_settled(full), _settled(empty))
            before = _sample(busy), _sample(idle)
            progress(f"watching both workers for {seconds:g} s")
            began = time.monotonic()
            await asyncio.sleep(seconds)
            after = _sample(busy), _sample(idle)
            lasted = time.monotonic() - began
            if await full.health_counts() != waiting:
                raise AssertionError("runs moved while they were measured")
            size = _size(folder)
            latency = await _decided(full)
    print(f"{thousands(runs)} runs parked, {size / runs / 1024:.1f} KiB of database each, watched for {lasted:.1f} s")  # fmt: skip
    cpu = [(last.cpu - first.cpu) / lasted for first, last in zip(before, after, strict=True)]
    for name, share, sample in zip((f"worker, {thousands(runs)} runs", "worker, no run"), cpu, after, strict=True):  # fmt: skip
        print(f"  {name:24} {share:7.2%} of a core   {sample.rss / 1024:7.1f} MiB")
    print(f"  a decision after that ended its run within {latency * 1000:,.0f} ms")
    return _verdict(cpu[0], after[0].rss - after[1].rss, after[0].rss - before[0].rss)


async def _park(client: Client, runs: int) -> None:
    worker = Worker(client, workflows=[approving, napping])
    began = time.monotonic()
    for first in range(0, runs, _BATCH):
        for number in range(first, min(first + _BATCH, runs)):
            if number % 2:
                await client.start(napping, number, id=f"n{number}")
            else:
                await client.start(approving, number, id=f"a{number}")
        await worker.run_until_idle()
        done = min(first + _BATCH, runs)
        progress(f"{thousands(done)} of {thousands(runs)} parked, {time.monotonic() - began:.0f} s")


@contextmanager
def _worker(database: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "holdfast", "worker", "tests.benchmarks.parking", "--db", str(database)]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def _settled(client: Client) -> None:
    """Wait until a worker process serves, and until what its start costs is over."""
    limit = time.monotonic() + _START
    while not any(worker.stopped_at is None for worker in (await client.workers())[1]):
        if time.monotonic() > limit:
            raise AssertionError(f"no worker within {_START:g} s")
        await asyncio.sleep(0.1)
    await asyncio.sleep(_SETTLE)


async def _decided(client: Client) -> float:
    """Answer one approval, and return how long it took until its run ended: a worker that sleeps for good is no aim."""
    began = time.monotonic()
    handle = client.get("a0", approving)
    await handle.decide("refund", answer=True, by="ana")
    if await handle.result(timeout=timedelta(seconds=_START)) is not True:
        raise AssertionError("the decision was not delivered")
    return time.monotonic() - began


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("full.db*"))  # SQLite's log included


def _sample(pid: int) -> Sample:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    rss = next(line.split()[1] for line in status if line.startswith("VmRSS:"))
    return Sample(cpu=(int(fields[11]) + int(fields[12])) / _TICK, rss=int(rss))


def _verdict(cpu: float, beside: int, meanwhile: int) -> int:
    met = cpu < AIM_CPU and beside <= AIM_GROWTH and meanwhile <= AIM_GROWTH
    print(
        f"{'met' if met else 'MISSED'}: {cpu:.2%} of a core while waiting (aim below {AIM_CPU:.0%}), "
        f"{beside / 1024:+.1f} MiB beside a worker without a run and {meanwhile / 1024:+.1f} MiB while waiting "
        f"(aim at most {AIM_GROWTH / 1024:g} MiB)"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
