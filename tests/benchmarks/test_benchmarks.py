"""The benchmarks run, at a size too small to say anything about speed."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from operator import is_
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from tests.benchmarks import orders
from tests.benchmarks.recorded import holdfast_history, temporal_history
from tests.benchmarks.temporal_orders import Gathered, Sequential

from holdfast._core import driver
from holdfast.history import Command, ScheduleActivity
from holdfast.replay import replay

ROOT = Path(__file__).parents[2]


def run(benchmark: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", f"tests.benchmarks.{benchmark}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode in {0, 1}, done.stderr  # whether an aim is met is not for a test to say
    assert "Traceback" not in done.stderr, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("met: " if done.returncode == 0 else "MISSED: ")
    return lines


def test_replay_is_measured_three_ways() -> None:
    lines = run("replay", "--activities", "20", "--rounds", "1")

    assert any(re.match(r"  bare loop, sequential 200 +[\d,]+ ", line) for line in lines)
    assert any(re.match(r"  holdfast, sequential 20 +[\d,]+ ", line) for line in lines)
    assert any(re.match(r"  Temporal sandboxed, sequential 20 +[\d,]+ ", line) for line in lines)


def test_waiting_is_measured_beside_a_worker_without_a_run() -> None:
    lines = run("parked", "--runs", "20", "--seconds", "1")

    assert lines[0].startswith("20 runs parked, ")
    assert re.match(r"  worker, 20 runs +[\d.]+% of a core +[\d.]+ MiB", lines[1])
    assert re.match(r"  worker, no run +[\d.]+% of a core +[\d.]+ MiB", lines[2])
    assert "a decision after that ended its run" in lines[3]


def test_the_cost_of_a_step_is_measured_on_both_stores() -> None:
    lines = run("cost", "--runs", "3")

    for store in ("sqlite", "postgres"):
        (step,) = [line for line in lines if line.startswith(f"  {store}, a step")]
        assert float(step.split()[5]) == 3, "an activity, its command and the event of its result"


@pytest.mark.parametrize(("recorded", "width"), [("sequential", 1), ("gathered", orders.WIDTH)])
def test_every_replayer_refuses_a_history_of_other_activities(recorded: str, width: int) -> None:
    flow = orders.sequential if recorded == "gathered" else orders.gathered
    temporal = temporal_history(recorded, 20, width=width)
    activities = [
        event["activityTaskScheduledEventAttributes"]["activityType"]
        for event in temporal["events"]
        if event["eventType"] == "ActivityTaskScheduled"
    ]
    activities[10]["name"] = "refund"
    replayer = Replayer(
        workflows=[Sequential, Gathered], workflow_runner=UnsandboxedWorkflowRunner()
    )

    assert not replay(holdfast_history(recorded, 20, width=width), flow).ok
    with pytest.raises(AssertionError, match="charge is not the recorded refund"):
        orders.replay_bare([("charge", orders.receipt_json(0)), ("refund", {})], 0)
    with pytest.raises(Exception, match="refund"):
        asyncio.run(replayer.replay_workflow(WorkflowHistory.from_json("r", temporal)))


def test_a_replayed_activity_takes_a_known_number_of_calls() -> None:
    """Hold the speed of replay without a clock: what is called, in Python and in C, on the way of one activity."""
    history = holdfast_history("sequential", 200, width=1)
    replay(history, orders.sequential).raise_for_difference()  # once uncounted: caches
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        replay(history, orders.sequential)
    finally:
        sys.setprofile(None)

    assert calls / 200 < 92, f"{calls / 200:.1f} calls for each activity"


@pytest.mark.parametrize(("recorded", "width"), [("sequential", 1), ("gathered", orders.WIDTH)])
def test_a_call_that_is_the_recorded_one_is_not_made_again_and_one_that_moved_has_the_line_of_today(
    recorded: str, width: int
) -> None:
    history = holdfast_history(recorded, width, width=width)
    asked = [c for c in history.turns[0].commands or () if isinstance(c, ScheduleActivity)]
    moved = [replace(command, site="orders.py:1 in before") for command in asked]
    other = [replace(command, options={**command.options, "queue": "q"}) for command in asked]
    later = [replace(command, seq=command.seq + 1) for command in asked]

    def repeated(commands: Sequence[Command]) -> driver.Replayed:
        turns = (replace(history.turns[0], commands=tuple(commands)),)
        flow = orders.gathered if recorded == "gathered" else orders.sequential
        return driver.replay(flow.definition, replace(history, turns=turns))

    assert all(map(is_, repeated(asked).execution.commands, asked))
    assert [command.site for command in repeated(moved).execution.commands] == [
        command.site for command in asked
    ]
    assert not repeated(moved).drifts
    assert [command.seq for command in repeated(later).execution.commands] == [
        command.seq for command in asked
    ]
    assert [drift.code for drift in repeated(other).drifts] == ["DR07"] * width
