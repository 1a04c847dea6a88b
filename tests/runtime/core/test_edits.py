"""What may be edited while runs are open, and what is told of edits to patches; each plain edit: test_matrix.py."""

from pathlib import Path
from typing import Any

import pytest
from tests.runtime.core.reports import assert_reported

from holdfast.history import History
from holdfast.replay import ReplayResult, replay
from holdfast_testkit import Sim

HEAD = """
import asyncio
from dataclasses import dataclass
from datetime import timedelta
from holdfast import activity, workflow

@activity.define
async def a() -> int: return 1
@activity.define
async def b(x: int) -> int: return x
@activity.define
async def b2(x: int) -> int: return x
@activity.define
async def c() -> int: return 3
@activity.define
async def d() -> int: return 4
"""
ORIGINAL = """
@workflow.define
async def flow() -> int:
    await a()
    await asyncio.sleep(10)
    await b(1)
    await asyncio.gather(c(), d())
    return 7
"""


def load(body: str, folder: Path, name: str) -> Any:
    """Import a version of the workflow from a file, so that its source lines exist."""
    path = folder / f"{name}.py"
    path.write_text(HEAD + body)
    namespace: dict[str, Any] = {"__name__": "edited", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace


def record(body: str, folder: Path) -> History:
    """Run a version to its end and return what happened."""
    module = load(body, folder, "recorded")
    with Sim() as sim:
        for name in ("a", "b", "b2", "c", "d"):
            sim.real(module[name])
        run = sim.start(module["flow"], id="r")
        assert sim.result(run) == 7
        return sim.history(run)


def replay_edit(folder: Path, old: str, new: str) -> ReplayResult:
    """Record the original and replay the edited version."""
    assert old in ORIGINAL
    history = record(ORIGINAL, folder)
    return replay(history, load(ORIGINAL.replace(old, new, 1), folder, "edited")["flow"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    await b(1)\n",
            '    if workflow.patched("check"):\n        await b2(1)\n    await b(1)\n',
        ),
        (
            "    await b(1)\n",
            '    if not workflow.patched("drop"):\n        await b(1)\n',
        ),
        (
            "    await b(1)\n",
            '    if workflow.patched("swap"):\n        await b2(1)\n    else:\n        await b(1)\n',
        ),
    ],
)
@pytest.mark.construct("workflow.patched")
def test_an_edit_behind_a_patch_replays(old: str, new: str, tmp_path: Path) -> None:
    result = replay_edit(tmp_path, old, new)

    assert result.ok, result.text()
    assert result.turns == 6


def test_reformatting_and_renaming_a_variable_is_no_difference(tmp_path: Path) -> None:
    result = replay_edit(tmp_path, "    return 7", "    seven = 7  # a comment\n\n    return seven")

    assert result.ok
    assert not result.drifts


def test_a_new_run_takes_the_new_branch_and_replays_with_its_marker(tmp_path: Path) -> None:
    body = ORIGINAL.replace(
        "    await b(1)\n",
        '    if workflow.patched("check"):\n        await b2(1)\n    await b(1)\n',
    )
    history = record(body, tmp_path)

    result = replay(history, load(body, tmp_path, "again")["flow"])

    assert [c.kind for turn in history.turns for c in turn.commands or ()].count(
        "record_patch"
    ) == 1
    assert result.ok


@pytest.mark.construct("workflow.define(retired_patches=)", "ND11")
def test_a_patch_call_removed_too_early_is_told(tmp_path: Path) -> None:
    patched = '    if workflow.patched("check"):\n        await b2(1)\n    await b(1)\n'
    history = record(ORIGINAL.replace("    await b(1)\n", patched), tmp_path)
    bare = ORIGINAL.replace("    await b(1)\n", "    await b2(1)\n    await b(1)\n")

    early = replay(history, load(bare, tmp_path, "early")["flow"])
    retired = bare.replace("@workflow.define", '@workflow.define(retired_patches=("check",))')
    late = replay(history, load(retired, tmp_path, "late")["flow"])

    assert_reported(early, history, "ND11")
    assert late.ok, late.text()


def test_a_history_of_nothing_but_its_start_passes(tmp_path: Path) -> None:
    module = load(ORIGINAL, tmp_path, "fresh")
    with Sim() as sim:
        history = sim.history(sim.start(module["flow"], id="r"))

    result = replay(history, module["flow"])

    assert result.ok
    assert result.turns == 0


def test_a_bug_in_a_recorded_turn_is_reported_as_the_bug(tmp_path: Path) -> None:
    result = replay_edit(tmp_path, "    await b(1)\n", "    raise KeyError('sku')\n")

    assert result.difference is None
    assert result.bug == "KeyError: 'sku'"


PARKED = """
@workflow.define
async def flow() -> int:
    await workflow.approval("go", ask="?", to=["ops"], answer=bool)
    return await b(1)
"""


def test_a_step_put_before_the_one_at_which_a_run_is_parked_is_an_addition(tmp_path: Path) -> None:
    module = load(PARKED, tmp_path, "parked")
    with Sim() as sim:
        run = sim.start(module["flow"], id="r")
        sim.run_until(run, "person")
        history = sim.history(run)
    edited = PARKED.replace("    await workflow.app", "    await a()\n    await workflow.app")

    result = replay(history, load(edited, tmp_path, "edited")["flow"])

    assert result.difference is not None
    assert result.difference.code == "ND01"
    assert 'workflow.patched("a")' in result.difference.suggestion


@pytest.mark.parametrize("other", ["True", "1.0"])
def test_a_value_that_python_takes_for_equal_and_json_does_not_is_drift(
    tmp_path: Path, other: str
) -> None:
    body = ORIGINAL.replace("await b(1)", "await any_of(ONE)")
    extra = "\n@activity.define\nasync def any_of(x: object) -> int: return 1\nONE = {}\n"
    module = load(extra.format("[1]") + body, tmp_path, "recorded")
    with Sim() as sim:
        for name in ("a", "any_of", "c", "d"):
            sim.real(module[name])
        run = sim.start(module["flow"], id="r")
        assert sim.result(run) == 7
        history = sim.history(run)

    result = replay(history, load(extra.format(f"[{other}]") + body, tmp_path, "edited")["flow"])

    assert [(drift.code, drift.field) for drift in result.drifts] == [("DR06", "args")]
