"""What was recorded by an earlier release, or on another Python, is replayed by this code without a difference."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.golden import matrix
from tests.golden.corpus import GOLDEN, echo
from tests.golden.record import path_of, play, recorded

from holdfast import workflow
from holdfast._core import driver
from holdfast.errors import NondeterminismError
from holdfast.history import History, body_of, load_history
from holdfast.replay import replay

ROOT = Path(__file__).parents[2]
FILES = [path for paths in recorded().values() for path in paths]
# What the history of each workflow proves to be replayed; its recorded result is compared, too.
PROVES: dict[str, tuple[str, ...]] = {
    "asyncio_gather": ("asyncio.gather",),
    "asyncio_wait": (
        "asyncio.wait(ALL_COMPLETED)", "asyncio.wait(FIRST_COMPLETED)", "asyncio.wait(FIRST_EXCEPTION)",
        "asyncio.create_task", "asyncio.Task.cancel",
    ),
    "asyncio_wait_for": ("asyncio.wait_for",),
    "asyncio_timeout": ("asyncio.timeout", "asyncio.timeout_at"),
    "asyncio_task_group": ("asyncio.TaskGroup", "exception groups"),
    "asyncio_as_completed": ("asyncio.as_completed",),
    "asyncio_shield": ("asyncio.shield",),
    "asyncio_locks": ("asyncio.Lock", "asyncio.Semaphore"),
    "asyncio_bounded_semaphore": ("asyncio.BoundedSemaphore",),
    "asyncio_event_condition_barrier": ("asyncio.Event", "asyncio.Condition", "asyncio.Barrier"),
    "asyncio_queues": ("asyncio.Queue", "asyncio.PriorityQueue", "asyncio.LifoQueue"),
    "asyncio_generators": ("asynchronous generators",),
    "asyncio_context": ("context variables",),
    "asyncio_cancel": ("asyncio.Task.cancel", "asyncio.Task.uncancel"),
    "gather_one_fails": ("asyncio.gather",),
    "gather_cancelled": ("asyncio.gather",),
    "wait_first_completed": ("asyncio.wait(FIRST_COMPLETED)",),
    "wait_first_exception": ("asyncio.wait(FIRST_EXCEPTION)",),
    "wait_all_completed": ("asyncio.wait(ALL_COMPLETED)",),
    "wait_for_late": ("asyncio.wait_for",),
    "wait_for_cancelled": ("asyncio.wait_for",),
    "timeout_nested": ("asyncio.timeout",),
    "timeout_moved": ("asyncio.timeout_at",),
    "group_child_fails": ("asyncio.TaskGroup",),
    "group_nested": ("asyncio.TaskGroup",),
    "group_cancelled": ("asyncio.TaskGroup",),
    "exception_groups": ("exception groups",),
    "as_completed_limited": ("asyncio.as_completed",),
    "shield_cancelled": ("asyncio.shield",),
    "cancel_counts": ("asyncio.Task.cancel", "asyncio.Task.uncancel"),
    "sleep_zero": ("asyncio.sleep",),
    "task_names_and_context": ("asyncio.create_task", "context variables"),
    "lock_in_line": ("asyncio.Lock",),
    "event_set_and_cleared": ("asyncio.Event",),
    "condition_in_line": ("asyncio.Condition",),
    "semaphore_in_line": ("asyncio.Semaphore",),
    "bounded_semaphore_in_line": ("asyncio.BoundedSemaphore",),
    "barrier_rounds": ("asyncio.Barrier",),
    "queue_of_two": ("asyncio.Queue",),
    "queue_by_priority": ("asyncio.PriorityQueue",),
    "queue_last_first": ("asyncio.LifoQueue",),
    "generator_left": ("asynchronous generators",),
    "generator_sent_and_thrown": ("asynchronous generators",),
    "activity_kinds": ("activity.define",),
    "activity_limits_and_retries": ("activity.define(retry=)", "activity.define(timeout=)", "activity.info", "activity.ActivityInfo"),
    "activity_with_options": ("activity.Activity",),
    "activity_once": ("activity.define(effect=)",),
    "sleep": ("asyncio.sleep", "workflow.sleep"),
    "chance": ("workflow.random", "workflow.uuid4"),
    "info": ("workflow.info", "workflow.RunInfo"),
    "approval": ("workflow.approval",),
    "approvals": ("workflow.approvals",),
    "approval_with_reminders": ("workflow.Escalation", "workflow.ApprovalNotice"),
    "patched": ("workflow.patched",),
    "signals": ("workflow.Signal", "workflow.Signal.receive", "workflow.Signal.receive_now"),
    "updates": ("workflow.Update", "workflow.Update.handle"),
    "wait_until": ("workflow.wait_until",),
    "publish_and_attributes": ("workflow.publish", "workflow.set_attributes"),
    "children": ("workflow.Child", "workflow.Child.result", "workflow.Child.cancel", "workflow.run_child", "workflow.start_child"),
    "map_inputs": ("workflow.map", "workflow.map_settled", "workflow.Outcome"),
    "continue_as_new": ("workflow.continue_as_new",),
    "compensation": ("workflow.compensate", "workflow.Compensation.drop"),
    "roll_back": ("workflow.roll_back",),
    "unsafe": ("workflow.unsafe",),
    "payloads": ("payload types",),
}  # fmt: skip
CASES = [
    pytest.param(
        path,
        id=path.name,
        marks=pytest.mark.construct(*PROVES.get(path.name.rpartition("-")[0], ()), case=True),
    )
    for path in FILES
]
SEEDED = """
import sys
from pathlib import Path
from tests.golden.test_golden import FILES, commands_of
for path in FILES:
    print(path.name, commands_of(path))
"""


def commands_of(path: Path) -> str:
    """Return all that today's code asks for, content and sites included, when it is given the events of a file."""
    history = load_history(path)
    definition = GOLDEN[path.name.rpartition("-")[0]].flow.definition
    empty = type(history)(header=history.header, turns=())
    execution = driver.replay(definition, empty).execution
    said = [repr(driver.advance(execution, turn.event).commands) for turn in history.turns]
    assert execution.evict()
    return json.dumps(said)


def asked_in(history: History) -> list[tuple[int, str, dict[str, Any]]]:
    """Return the commands without their sites: lines move when something is put above them."""
    commands = [command for turn in history.committed for command in turn.commands or ()]
    return [(command.seq, command.kind, body_of(command)) for command in commands]


def test_every_workflow_of_the_corpus_has_a_history_and_every_history_a_workflow() -> None:
    assert sorted(recorded()) == sorted(GOLDEN)
    assert [name for name in GOLDEN if not path_of(name, "0.1").exists()] == []


@pytest.mark.parametrize("path", CASES)
def test_a_recorded_history_is_replayed_without_a_difference(path: Path) -> None:
    history = load_history(path)
    golden = GOLDEN[path.name.rpartition("-")[0]]

    result = replay(history, golden.flow)

    result.raise_for_difference()
    assert result.turns == len(history.turns)
    assert history.header.status == golden.ends


def test_the_replay_of_a_golden_history_can_fail() -> None:
    @workflow.define(name="activity_kinds")
    async def changed() -> list[str]:
        return [await echo("async"), await echo("changed")]

    with pytest.raises(NondeterminismError, match="ND0"):
        replay(load_history(path_of("activity_kinds")), changed).raise_for_difference()


@pytest.mark.parametrize("path", [path for path in FILES if path.name.rpartition("-")[0] != "chance"], ids=lambda path: path.name)  # fmt: skip
def test_recording_again_asks_for_the_same(path: Path) -> None:
    # All but `chance`, whose numbers follow from the seed that a run is given when it starts.
    before, again = load_history(path), play(GOLDEN[path.name.rpartition("-")[0]])

    assert [turn.event.kind for turn in again.turns] == [turn.event.kind for turn in before.turns]
    assert asked_in(again) == asked_in(before)
    assert asked_in(again)


EARLY_BOUND = """
import sys
from asyncio import as_completed, gather, shield, wait, wait_for
taken = {f.__name__: f for f in (as_completed, gather, shield, wait, wait_for)}
assert "holdfast" not in sys.modules
from tests.golden.asyncio_corpus import EARLY, early_bound
from tests.golden.record import GOLDEN, path_of, play
from tests.golden.test_golden import asked_in
from holdfast.history import load_history
assert {name: id(f) for name, f in EARLY.items()} == {name: id(f) for name, f in taken.items()}
print(asked_in(play(GOLDEN["early_bound"])) == asked_in(load_history(path_of("early_bound"))))
"""


def test_functions_of_asyncio_taken_before_holdfast_was_imported_ask_for_the_same() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", EARLY_BOUND], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (ran.stdout, ran.stderr) == ("True\n", "")


def test_a_recorded_history_is_never_replaced() -> None:
    name = next(iter(GOLDEN))
    before = path_of(name).read_bytes()

    refused = subprocess.run(
        [sys.executable, "-m", "tests.golden.record", name], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip

    assert refused.returncode == 1
    assert "is recorded already and is never replaced" in refused.stderr
    assert path_of(name).read_bytes() == before


def test_the_histories_are_replayed_alike_under_every_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SEEDED], env={"PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip

    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) == len(FILES)


def test_the_matrix_finds_each_version_once_and_passes_over_what_does_not_run(
    tmp_path: Path,
) -> None:
    found = matrix.find_pythons(f"{tmp_path}/nothing:{sys.executable}", path="")

    version = "{}.{}".format(*sys.version_info)
    assert found == {version: sys.executable}
