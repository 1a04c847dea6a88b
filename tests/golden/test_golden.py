"""What was recorded by an earlier release, or on another Python, is replayed by this code without a difference."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.golden import digest, matrix
from tests.golden.corpus import GOLDEN, echo
from tests.golden.digest import FILES
from tests.golden.record import name_of, path_of, play, recorded

from holdfast import workflow
from holdfast.errors import NondeterminismError
from holdfast.history import History, body_of, load_history
from holdfast.replay import replay

ROOT = Path(__file__).parents[2]
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
    "patched": ("workflow.patched", "workflow.patched(key=)"),
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
        marks=pytest.mark.construct(*PROVES.get(name_of(path), ()), case=True),
    )
    for path in FILES
]


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
    golden = GOLDEN[name_of(path)]

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


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path) != "chance"], ids=lambda path: path.name)  # fmt: skip
def test_recording_again_asks_for_the_same(path: Path) -> None:
    # All but `chance`, whose numbers follow from the seed that a run is given when it starts.
    before, again = load_history(path), play(GOLDEN[name_of(path)])

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


@pytest.fixture(scope="module")
def printed() -> dict[matrix.Key, list[str]]:
    """Return what this interpreter prints of histories and programs under each hash seed."""
    return matrix.digests({"here": Path(sys.executable)})


@pytest.mark.construct("hash seeds", "random programs")
def test_histories_and_random_programs_do_the_same_under_every_hash_seed(
    printed: dict[matrix.Key, list[str]],
) -> None:
    assert matrix.disagreements(printed) == []
    assert [seed for _, seed in printed] == list(matrix.SEEDS)
    assert {len(lines) for lines in printed.values()} == {len(FILES) + 1}
    assert {lines[-1].partition(" ")[0] for lines in printed.values()} == {"150"}


def test_an_interpreter_that_does_something_else_is_named_with_what_it_did() -> None:
    same = ["sleep-0.1 aa", "150 random programs bb"]
    printed = {
        ("3.11", "0"): same,
        ("3.12", "0"): ["sleep-0.1 aa", "150 random programs cc"],
    }
    broken = {("3.11", "0"): ["failed: no such module"], ("3.12", "0"): ["failed: no such module"]}

    assert matrix.disagreements({("3.11", "0"): same, ("3.13", "1"): same}) == []
    assert matrix.disagreements(printed) == [
        "Python 3.12, hash seed 0: not as on Python 3.11, seed 0: 150 random programs cc"
    ]
    assert len(matrix.disagreements(broken)) == 2  # although both print the same


def test_the_matrix_finds_each_version_once_and_passes_over_what_does_not_run(
    tmp_path: Path,
) -> None:
    version = "{}.{}".format(*sys.version_info)
    there = {"HOLDFAST_PYTHONS": f"{tmp_path}/nothing:{sys.executable}", "HOME": str(tmp_path)}

    found = matrix.find_pythons(there)

    assert found == {version: sys.executable}
    told = matrix.missing_text(found)
    missing = [other for other in matrix.VERSIONS if other != version]
    assert f"NOT FOUND: Python {', '.join(missing)} " in told
    assert f"HOLDFAST_PYTHONS=/path/to/python{missing[0]}:/path/to/python{missing[1]}" in told


def speaking(path: Path, version: str) -> str:
    """Write a program that answers as an interpreter of a version does."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


def test_the_matrix_looks_by_name_in_path_and_into_the_folder_of_pyenv(tmp_path: Path) -> None:
    versions = tmp_path / "pyenv" / "versions"
    older, newest = (
        speaking(versions / v / "bin" / "python", "3.12") for v in ("3.12.9", "3.12.10")
    )
    by_name = speaking(tmp_path / "bin" / "python3.13", "3.13")

    found = matrix.find_pythons({"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")})  # fmt: skip

    here = {"{}.{}".format(*sys.version_info): sys.executable}
    assert found == {"3.11": sys.executable, "3.12": newest, "3.13": by_name} | here
    assert older != newest


def test_a_history_is_replayed_by_the_interpreter_that_prints_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of("activity_kinds")
    altered = tmp_path / path.name
    altered.write_text(path.read_text().replace('"echo"', '"other"'))

    with pytest.raises(NondeterminismError, match="ND04"):
        digest.commands_of(altered)
    assert "ScheduleActivity" in digest.commands_of(path)
