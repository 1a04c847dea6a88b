"""Activities replayed per second of one core: holdfast, a bare loop, and Temporal's Replayer, in the same run.

Run it with `poe bench-replay`. It exits 1 where an aim is missed.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from tests.benchmarks import orders
from tests.benchmarks.figures import interleaved, median, spread, thousands
from tests.benchmarks.recorded import holdfast_history, temporal_history
from tests.benchmarks.temporal_orders import Gathered, Sequential

from holdfast.history import History, dump_history, parse_history
from holdfast.replay import replay
from holdfast.workflow import Workflow

AIM_PER_SECOND = 50_000
AIM_RATIO = 100
LONG = 10
Case = tuple[int, Callable[[], object]]


def main() -> int:
    """Measure, print a table, and return 0 where both aims are met."""
    options = _options()
    cases = _cases(options.activities, with_long=options.long)
    for _, work in cases.values():
        work()  # once unmeasured: imports, caches, and a first look whether everything replays
    times = interleaved({name: work for name, (_, work) in cases.items()}, rounds=options.rounds)
    speed = {name: cases[name][0] / median(values) for name, values in times.items()}
    print(
        f"activities replayed per second of one core, median of {options.rounds} interleaved rounds"
    )
    for name, values in times.items():
        print(f"  {name:46} {thousands(speed[name]):>12}   ({spread(values)} time)")
    return _verdict(speed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--activities", type=int, default=1000, help="length of the histories, a multiple of 10"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--long",
        action="store_true",
        help="Temporal replays the ten times longer history too: minutes",
    )
    options = parser.parse_args()
    if options.activities < 1 or options.activities % orders.WIDTH or options.rounds < 1:
        parser.error(f"--activities must be a multiple of {orders.WIDTH}, and --rounds at least 1")
    return options


def _cases(count: int, *, with_long: bool) -> dict[str, Case]:
    sequential = holdfast_history("sequential", count, width=1)
    long = holdfast_history("sequential", count * LONG, width=1)
    gathered = holdfast_history("gathered", count, width=orders.WIDTH)
    text = dump_history(sequential)
    bare = [("charge", orders.receipt_json(number)) for number in range(count)] * LONG
    total = orders.total_of(count) * LONG
    sandbox, plain = SandboxedWorkflowRunner(), UnsandboxedWorkflowRunner()
    cases: dict[str, Case] = {
        f"bare loop, sequential {count * LONG}": (count * LONG, lambda: orders.replay_bare(bare, total)),
        f"holdfast, sequential {count}": (count, lambda: _replay(sequential, orders.sequential)),
        f"holdfast, sequential {count * LONG}": (count * LONG, lambda: _replay(long, orders.sequential)),
        f"holdfast, gather of 10, {count}": (count, lambda: _replay(gathered, orders.gathered)),
        f"holdfast, reading the file of {count}": (count, lambda: parse_history(text)),
        f"Temporal sandboxed, sequential {count}": (count, _temporal("sequential", count, 1, sandbox)),
        f"Temporal unsandboxed, sequential {count}": (count, _temporal("sequential", count, 1, plain)),
        f"Temporal sandboxed, gather of 10, {count}": (count, _temporal("gathered", count, orders.WIDTH, sandbox)),
        f"Temporal unsandboxed, gather of 10, {count}": (count, _temporal("gathered", count, orders.WIDTH, plain)),
    }  # fmt: skip
    if with_long:
        cases[f"Temporal sandboxed, sequential {count * LONG}"] = (
            count * LONG, _temporal("sequential", count * LONG, 1, sandbox),
        )  # fmt: skip
    return cases


def _replay(history: History, flow: Workflow[Any, Any]) -> None:
    result = replay(history, flow)
    result.raise_for_difference()
    if result.turns != len(history.turns):
        raise AssertionError(f"{result.turns} of {len(history.turns)} turns were replayed")


def _temporal(
    workflow: str, count: int, width: int, runner: WorkflowRunner
) -> Callable[[], object]:
    history = WorkflowHistory.from_json("r", temporal_history(workflow, count, width=width))

    async def once() -> None:
        replayer = Replayer(workflows=[Sequential, Gathered], workflow_runner=runner)
        await replayer.replay_workflow(history)

    return lambda: asyncio.run(once())


def _verdict(speed: dict[str, float]) -> int:
    def of(start: str) -> float:
        return next(value for name, value in speed.items() if name.startswith(start))

    ours, limit = of("holdfast, sequential"), of("bare loop")
    sandboxed = of("Temporal sandboxed, sequential")
    ratio = ours / sandboxed
    print(
        f"  gather of 10: {of('holdfast, gather') / of('Temporal sandboxed, gather'):,.0f}x Temporal sandboxed"
    )
    print(f"  unsandboxed:  {ours / of('Temporal unsandboxed, sequential'):,.0f}x Temporal")
    met = ours >= AIM_PER_SECOND and ratio >= AIM_RATIO
    print(
        f"{'met' if met else 'MISSED'}: {thousands(ours)} activities/s (aim {thousands(AIM_PER_SECOND)}), "
        f"{ratio:,.0f}x Temporal's sandboxed Replayer (aim {AIM_RATIO}x), {limit / ours:,.1f}x slower than a bare loop"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
