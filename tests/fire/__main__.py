"""Put a fleet of real processes through everything that may happen to one: `poe fire`.

Prints one line for each scenario and a figure on the last; exits 1 where a promise was broken. `--only` runs one.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import postgres
from tests.fire.clocks import clocks
from tests.fire.cuts import cuts
from tests.fire.deploys import deploys
from tests.fire.disks import disks
from tests.fire.kills import kills
from tests.fire.outages import failover, one_server, outages, restarts, terminations, two_servers
from tests.fire.outcome import Outcome
from tests.fire.zombies import zombies

Scenario = Callable[[Path, "Size"], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Say how much of everything there is, and where chance starts."""

    runs: int
    seed: int
    small: int = 30
    pause: tuple[float, float] = (1.0, 3.0)


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield str(folder / "fire.db")
        return
    with postgres.running(postgres.DURABLE) as server:
        yield server.url()


def _on(kind: str, work: Callable[[Path, str, Size], Awaitable[Outcome]]) -> Scenario:
    async def scenario(folder: Path, size: Size) -> Outcome:
        with _database(kind, folder) as url:
            return await work(folder, url, size)

    return scenario


async def _kills(folder: Path, url: str, size: Size) -> Outcome:
    return await kills(folder, url, runs=size.runs, pause=size.pause, seed=size.seed)


async def _zombies(folder: Path, url: str, size: Size) -> Outcome:
    return await zombies(folder, url, runs=max(2, size.small // 5))


async def _clocks(folder: Path, url: str, size: Size) -> Outcome:
    return await clocks(folder, url, runs=size.small)


async def _deploys(folder: Path, url: str, size: Size) -> Outcome:
    return await deploys(folder, url, runs=2 * size.small, rounds=1 if size.small < 30 else 3)


async def _cuts(folder: Path, url: str, size: Size) -> Outcome:
    return await cuts(folder, url, every=max(1, 60 // size.small))


async def _restarts(folder: Path, size: Size) -> Outcome:
    async with one_server() as place:
        return await outages(
            folder, place, restarts, runs=size.small, times=max(1, size.small // 10), seed=size.seed
        )


async def _terminations(folder: Path, size: Size) -> Outcome:
    async with one_server() as place:
        return await outages(
            folder,
            place,
            terminations,
            runs=size.small,
            times=max(1, size.small // 10),
            seed=size.seed,
        )


async def _failover(folder: Path, size: Size) -> Outcome:
    async with two_servers() as place:
        return await outages(folder, place, failover, runs=size.small, times=1, seed=size.seed)


async def _disks(folder: Path, size: Size) -> Outcome:
    return await disks(folder, runs=size.small)


SCENARIOS: dict[str, Scenario] = {
    **{
        f"{name}, {kind}": _on(kind, work)
        for name, work in {
            "workers killed at random": _kills,
            "zombies": _zombies,
            "clocks five minutes off": _clocks,
            "rolling deploys": _deploys,
        }.items()
        for kind in ("sqlite", "postgres")
    },
    "connections cut, postgres": _on("postgres", _cuts),
    "server restarted, postgres": _restarts,
    "connections ended, postgres": _terminations,
    "failover, postgres": _failover,
    "disk full and read-only, sqlite": _disks,
}


async def run(name: str, size: Size) -> Outcome:
    """Carry out one scenario in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="holdfast-fire-") as folder:
        return await SCENARIOS[name](Path(folder), size)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=10_000, help="runs while workers are killed")
    parser.add_argument("--small", type=int, default=30, help="runs of the other scenarios")
    parser.add_argument("--only", default="", help="only scenarios whose name contains this")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    names = [name for name in SCENARIOS if given.only in name]
    if not names or given.runs < 1 or given.small < 1:
        parser.error(
            f"no scenario's name contains {given.only!r}; there are: {'; '.join(SCENARIOS)}"
        )
    print(f"seed {given.seed}", flush=True)
    broken = 0
    for name in names:
        began = time.monotonic()
        outcome = asyncio.run(run(name, Size(runs=given.runs, small=given.small, seed=given.seed)))
        broken += outcome.broken
        verdict = "held" if not outcome.broken else "BROKEN"
        print(f"{verdict:6} {name}: {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
        for line in outcome.details[:20]:
            print(f"       {line}", flush=True)
    print(f"fire: {len(names)} scenarios, {broken} broken promises")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
