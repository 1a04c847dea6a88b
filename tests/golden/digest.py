"""Print what this interpreter makes of the golden histories and of random programs, in a digest for each.

Each history is replayed too, and a difference is an error. Every supported Python prints the same under any hash seed:
tests/golden/matrix.py compares.
"""

import argparse
import hashlib
from pathlib import Path

from tests.golden import asyncio_corpus, asyncio_shared  # noqa: F401 - they add to GOLDEN
from tests.golden.corpus import GOLDEN
from tests.golden.record import name_of, recorded
from tests.runtime.core.programs.soak import digest

from holdfast._core import driver
from holdfast.history import load_history
from holdfast.replay import replay

PROGRAMS = 150
FILES = [path for paths in recorded().values() for path in paths]


def commands_of(path: Path) -> str:
    """Replay a file, and return all that today's code asks for when it is given the events, sites included."""
    history, flow = load_history(path), GOLDEN[name_of(path)].flow
    replay(history, flow).raise_for_difference()
    empty = type(history)(header=history.header, turns=())
    execution = driver.replay(flow.definition, empty).execution
    said = [repr(driver.advance(execution, turn.event).commands) for turn in history.turns]
    assert execution.evict()
    return "\n".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=PROGRAMS)
    given = parser.parse_args()
    for path in FILES:
        print(path.name, hashlib.sha256(commands_of(path).encode()).hexdigest())
    print(f"{given.programs} random programs", digest(given.programs, 0))


if __name__ == "__main__":
    main()
