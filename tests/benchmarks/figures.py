"""How every benchmark measures and reports."""

import statistics
import sys
import time
from collections.abc import Callable, Mapping


def progress(text: str) -> None:
    """Say what is being measured; on stderr, because the figure stands last on stdout."""
    print(f"  … {text}", file=sys.stderr, flush=True)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return how long one core was busy with `work`, all threads of this process counted."""
    before = time.process_time()
    work()
    return time.process_time() - before


def interleaved(
    cases: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, list[float]]:
    """Measure every case once per round, so that a slow minute of the machine hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(1, rounds + 1):
        for name, work in cases.items():
            progress(f"round {number} of {rounds}: {name}")
            times[name].append(cpu_seconds(work))
    return times


def median(values: list[float]) -> float:
    """Return the middle of several rounds."""
    return statistics.median(values)


def spread(values: list[float]) -> str:
    """Return the lowest and highest of several rounds relative to their median, as text."""
    middle = median(values)
    return f"{min(values) / middle - 1:+.0%} {max(values) / middle - 1:+.0%}"


def thousands(number: float) -> str:
    """Return a number for people: without decimals, grouped."""
    return f"{number:,.0f}"
