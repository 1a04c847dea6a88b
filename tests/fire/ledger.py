"""A stand-in for the outside world: it takes in one line per effect, and keeps them when a process dies."""

import asyncio
import os
from collections import defaultdict
from pathlib import Path


def enter(folder: str, *, key: str, what: str) -> None:
    """Take in an effect under its idempotency key; one short append is one write, whoever else writes."""
    line = f"{key} {what} {os.getpid()}\n".encode()
    file = os.open(Path(folder) / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def read(folder: Path) -> list[tuple[str, str, int]]:
    """Return every effect: its key, what it was, and the process."""
    file = folder / "ledger"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(key, what, int(pid)) for key, what, pid in map(str.split, lines)]


def doubled(folder: Path) -> dict[str, set[str]]:
    """Return the effects that came under more than one key: a service that honours keys would have had them twice."""
    keys: dict[str, set[str]] = defaultdict(set)
    for key, what, _ in read(folder):
        keys[what].add(key)
    return {what: found for what, found in keys.items() if len(found) > 1}


async def gate(folder: str) -> None:
    """Wait until the test opens the gate."""
    while not (Path(folder) / "gate").exists():
        await asyncio.sleep(0.01)
