"""Replays of one history in other processes, each with its own hash seed: do they agree with one another?

Run as a module, it is such a process: it reads where code is found and the history, and prints its outcome.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from holdfast._core import driver
from holdfast._guard.installing import install
from holdfast._registry import import_entry
from holdfast.history import History, canonical, dump_history, parse_history

_SEEDS = ("0", "1", "2", "3")
_TIMEOUT = 60  # seconds: a replay that takes longer says nothing


def outcomes_of(history: History, entry: str) -> list[str]:
    """Return how each process ended; a process that could not replay at all is left out."""
    text = json.dumps({"path": sys.path, "entry": entry}) + "\n" + dump_history(history)
    started = [_start(seed) for seed in _SEEDS]
    found = []
    for process in started:
        try:
            out, _ = process.communicate(text, timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            continue
        if process.returncode == 0:
            found.append(out.splitlines()[-1] if out else "")
    return found


def _start(seed: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - this very module, with the history on standard input
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


def main() -> None:
    """Replay the history on standard input and print what became of it."""
    first, _, rest = sys.stdin.read().partition("\n")
    request = json.loads(first)
    sys.path[:] = request["path"]
    junk = [
        object() for _ in range(hash("somewhere else in memory") % 997)
    ]  # so that id() differs too
    definition = import_entry(request["entry"]).definition
    install()
    state = driver.replay(definition, parse_history(rest))
    state.execution.evict()
    found = state.difference
    outcome: dict[str, Any] = {
        "turns": state.turns,
        "bug": None if state.bug is None else str(state.bug),
        "difference": None if found is None else [found.code, [asdict(line) for line in found.got]],
    }
    del junk
    print(canonical(outcome))  # noqa: T201 - read by the process that asked


if __name__ == "__main__":
    main()
