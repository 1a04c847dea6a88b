"""Record the golden histories that are missing: `poe golden-record`.

Each is played on a virtual clock that starts at the same instant, by the real worker. A history that is there already
is left alone, always: it stands for the runs that people have open, and those cannot be recorded again.
"""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from tests.golden import asyncio_corpus, asyncio_shared  # noqa: F401 - they add to GOLDEN
from tests.golden.corpus import ACTIVITIES, GOLDEN, Golden, keep

from holdfast.errors import HoldfastError
from holdfast.history import SUFFIX, History, dump_history
from holdfast_testkit import Sim

FOLDER = Path(__file__).parent / "histories"
RELEASE = "0.1"
START = datetime(2026, 1, 1, tzinfo=UTC)


def path_of(name: str, release: str = RELEASE) -> Path:
    return FOLDER / f"{name}-{release}{SUFFIX}"


def name_of(path: Path) -> str:
    """Return the name of the workflow that a file was recorded from."""
    return re.sub(rf"-[\d.]+{re.escape(SUFFIX)}$", "", path.name)


def recorded() -> dict[str, list[Path]]:
    """Return the files there are, by the name of the workflow that they were recorded from."""
    found: dict[str, list[Path]] = {}
    for path in sorted(FOLDER.glob(f"*{SUFFIX}")):
        found.setdefault(name_of(path), []).append(path)
    return found


def play(golden: Golden) -> History:
    """Play one workflow and return its history."""
    with Sim(start=START) as sim:
        sim.real(*ACTIVITIES, keep)
        run = sim.start(golden.flow, *golden.args, id=f"golden-{golden.name}")
        golden.play(sim, run)
        history = sim.history(run)
    if history.header.status != golden.ends:
        raise SystemExit(f"{golden.name}: ended as {history.header.status}, expected {golden.ends}")
    return history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="record these; by default those that have no file")
    given = parser.parse_args()
    there = recorded()
    for name in given.names or [name for name in GOLDEN if name not in there]:
        if path_of(name).exists():
            raise SystemExit(
                f"{path_of(name).name} is recorded already and is never replaced. "
                "Put a new workflow beside it in tests/golden/corpus.py."
            )
        try:
            text = dump_history(play(GOLDEN[name]))
        except (HoldfastError, AssertionError) as error:
            raise SystemExit(f"{name}: {type(error).__name__}: {error}") from error
        with path_of(name).open("x", encoding="utf-8") as file:
            file.write(text)
        print(path_of(name).name)


if __name__ == "__main__":
    main()
