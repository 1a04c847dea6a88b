"""What the guard costs: replay with and without it, and clocks and files outside of turns.

Each side is measured in a process of its own, in turns, and the best of all rounds counts: what disturbs a
measurement only ever makes it slower.
"""

import json
import subprocess
import sys
import time
import timeit
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from holdfast import activity, workflow
from holdfast._guard import installing
from holdfast.replay import replay
from holdfast_testkit import Sim

ROUNDS = 5
ACTIVITIES = 150
REPLAYS = 15
CALLS = 200_000
REPLAY_LIMIT = 1.10  # times the duration without the guard
CALL_LIMIT_NS = 1_000  # more than a call takes without it


@activity.define
async def step(number: int) -> int:
    """Give back what it is given."""
    return number


@workflow.define
async def flow(count: int) -> int:
    """Await one activity after the other."""
    for number in range(count):
        await step(number)
    return count


def measure(*, guarded: bool) -> dict[str, float]:
    """Return seconds per replayed activity, and nanoseconds per call outside of a turn."""
    with Sim() as sim:
        sim.real(step)
        if not guarded:
            installing.install.__globals__["_install"] = lambda: None
        run = sim.start(flow, ACTIVITIES, id="r")
        sim.result(run)
        history = sim.history(run)
    best = min(
        timeit.repeat(
            lambda: replay(history, flow).raise_for_difference(), number=1, repeat=REPLAYS
        )
    )
    if (type(open.__self__) is not ModuleType) != guarded:  # type: ignore[attr-defined]  # a function of the interpreter
        raise SystemExit("the sides are not what they are called: nothing was compared")
    file = str(Path(__file__))
    calls = {
        "time.time()": (time.time, CALLS),
        "datetime.now()": (lambda: datetime.now(UTC), CALLS),
        "open()": (lambda: open(file, "rb").close(), CALLS // 20),  # noqa: PTH123
    }
    return {"replay": best / ACTIVITIES * 1e9} | {
        name: min(timeit.repeat(call, number=count, repeat=5)) / count * 1e9
        for name, (call, count) in calls.items()
    }


def _in_a_process(side: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, side], capture_output=True, text=True, check=True)  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Print what was measured; 1 when a limit does not hold."""
    best: dict[str, dict[str, float]] = {"plain": {}, "guarded": {}}
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", flush=True)
        for side, found in best.items():
            for name, value in _in_a_process(side).items():
                found[name] = min(value, found.get(name, value))
    ratios = {name: best["guarded"][name] / best["plain"][name] for name in best["plain"]}
    for name, ratio in ratios.items():
        unit = "ns per activity" if name == "replay" else "ns outside of a turn"
        print(f"{name:15} {best['plain'][name]:9.0f} -> {best['guarded'][name]:9.0f} {unit}, x{ratio:.2f}")  # fmt: skip
    more = {name: best["guarded"][name] - best["plain"][name] for name in ratios if name != "replay"}  # fmt: skip
    holds = ratios["replay"] <= REPLAY_LIMIT and max(more.values()) <= CALL_LIMIT_NS
    shown = ", ".join(f"{name} x{ratio:.2f}" for name, ratio in ratios.items())
    print(
        f"guard: {shown}; {1e9 / best['guarded']['replay']:,.0f} activities replayed per second; "
        f"limits (replay x{REPLAY_LIMIT:.2f}, {CALL_LIMIT_NS} ns per call) {'hold' if holds else 'DO NOT HOLD'}"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(guarded=sys.argv[1] == "guarded")))
    else:
        sys.exit(main())
