"""A report leads with the deeper reason: a branch that is gone, code that is not repeatable, a workflow that is gone."""

from collections.abc import Callable
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from holdfast import Client, Worker
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.errors import NondeterminismError, UnknownWorkflowError
from holdfast.history import History, dump_history
from holdfast.replay import confirm, replay
from holdfast_testkit import assert_replays

Load = Callable[[str, str], ModuleType]

HEAD = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def a() -> int: return 1
@activity.define
async def b() -> int: return 2
@activity.define
async def c() -> int: return 3

note = workflow.Signal("note", str)
"""
PLAIN = f"""{HEAD}
@workflow.define
async def flow() -> int:
    await a()
    await asyncio.sleep(60)
    return await b()
"""
PATCHED = PLAIN.replace(
    "    await a()\n", '    if workflow.patched("no-a"):\n        await c()\n    await a()\n'
)
DEPRECATED = PLAIN.replace("@workflow.define", '@workflow.define(retired_patches=("no-a",))')
BOTH_GONE = DEPRECATED.replace("    await a()\n", "    await c()\n    await a()\n")
HARMLESS = PATCHED.replace("        await c()\n", "        pass\n")


def worker_of(client: Client, code: ModuleType) -> Worker:
    return Worker(client, workflows=[code.flow], activities=[code.a, code.b, code.c])


async def parked(client: Client, clock: VirtualClock, module: Load, second: str) -> Any:
    """Start a run on the plain code, and bring it to its timer; then it asks for its patch in replay: the old branch."""
    code = module("reasons", PLAIN)
    handle = await client.start(code.flow, id="r")
    await worker_of(client, code).run_until_idle()
    clock.advance(timedelta(seconds=61))
    await worker_of(client, module("reasons", second)).run_until_idle()
    return handle


@pytest.mark.parametrize(("body", "structure"), [(BOTH_GONE, "ND01"), (DEPRECATED, "")])
async def test_a_run_on_the_old_branch_of_a_retired_patch_is_told_even_if_nothing_else_differs(
    body: str, structure: str, client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await parked(client, clock, module, PATCHED)
    history = await handle.history()
    assert [d.taken for d in history.header.decisions] == [False]

    result = replay(history, module("reasons", body).flow)

    assert result.difference is not None
    assert (result.difference.code, result.difference.structure) == ("ND12", structure)
    assert result.difference.turn == 1
    assert 'patched("no-a")' in result.text()
    assert 'Take "no-a" out of `retired_patches`' in result.difference.suggestion


async def test_a_run_on_the_new_branch_of_a_retired_patch_goes_on(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    code = module("reasons", HARMLESS)
    handle = await client.start(code.flow, id="r")
    await worker_of(client, code).run_until_idle()

    result = replay(await handle.history(), module("reasons", DEPRECATED).flow)

    assert result.ok, result.text()


async def test_a_worker_holds_a_run_on_the_old_branch_before_it_does_anything(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    held = PATCHED.replace(
        "    return await b()", "    await asyncio.sleep(60)\n    return await b()"
    )
    handle = await parked(client, clock, module, held)
    before = await handle.history()
    clock.advance(timedelta(seconds=61))

    gone = held.replace('    if workflow.patched("no-a"):\n        await c()\n', "").replace(
        "@workflow.define", '@workflow.define(retired_patches=("no-a",))'
    )
    await worker_of(client, module("reasons", gone)).run_until_idle()

    detail = await client.describe("r")
    assert detail.summary.verdict.code == "stuck.nondeterminism"
    assert detail.evidence.error is not None
    assert detail.evidence.error["code"] == "ND12"
    assert len((await handle.history()).committed) == len(before.committed)


STATEFUL = f"""{HEAD}
calls = []
@workflow.define
async def flow() -> int:
    calls.append(1)
    await (a() if len(calls) == 1 else b())
    return 7
"""


async def test_a_worker_says_at_once_that_the_same_code_asked_for_something_else(
    client: Client, module: Load
) -> None:
    code = module("reasons", STATEFUL)
    await client.start(code.flow, id="r")
    await worker_of(client, code).run_until_idle()

    error = (await client.describe("r")).evidence.error

    assert error is not None
    assert (error["code"], error["structure"]) == ("ND16", "ND04")
    assert error["structure_title"] == "renamed command"
    assert "not repeatable" in error["detail"]


async def test_edited_code_is_not_called_unrepeatable(client: Client, module: Load) -> None:
    handle = await recorded(client, module("reasons", PLAIN))

    result = replay(handle, module("reasons", PLAIN.replace("await a()", "await c()")).flow)

    assert result.difference is not None
    assert (result.difference.code, result.difference.structure) == ("ND04", "")


async def recorded(client: Client, code: ModuleType) -> History:
    handle = await client.start(code.flow, id="r")
    await worker_of(client, code).run_until_idle()
    return await handle.history()


HASHED = f"""{HEAD}
@workflow.define
async def flow() -> int:
    for name in {{"ape", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis"}}:
        workflow.publish(name, 1)
    return await a()
"""
SORTED = HASHED.replace("in {", "in sorted({").replace("}:", "}):")


def of_another_code(history: History) -> History:
    """Return a history that does not say by which code it was made, as old ones do not."""
    return changed(history, turns=tuple(changed(turn, code="") for turn in history.turns))


async def test_processes_with_other_hash_seeds_find_out_that_code_is_not_repeatable(
    client: Client, module: Load
) -> None:
    history = of_another_code(await recorded(client, module("reasons", SORTED)))
    flow = module("reasons", HASHED).flow
    first = replay(history, flow)
    assert first.difference is not None  # but once in 9! processes
    assert first.difference.code == "ND03"

    result = confirm(history, first, flow)

    assert result.difference is not None
    assert result.difference.code == "ND16"
    assert "hash seeds" in result.difference.detail


async def test_processes_agree_about_an_edit(client: Client, module: Load, tmp_path: Path) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    module("reasons", PLAIN.replace("await a()", "await c()"))
    file = tmp_path / "r.hist.jsonl"
    file.write_text(dump_history(history))

    with pytest.raises(NondeterminismError) as caught:
        assert_replays(file)
    said = CliRunner().invoke(main, ["replay", str(file)])

    assert caught.value.report is not None
    assert caught.value.report["code"] == "ND04"
    assert said.exit_code == 1
    assert "ND04 renamed command" in said.output


async def test_a_signal_that_no_code_has_asked_for_is_a_note(client: Client, module: Load) -> None:
    code = module(
        "reasons", PLAIN.replace("    await a()\n", "    note.receive_now()\n    await a()\n")
    )
    handle = await client.start(code.flow, id="r")
    await handle.signal("nope", "x")
    await handle.signal("note", "read, or at least asked for")
    await worker_of(client, code).run_until_idle()

    result = replay(await handle.history(), code.flow)

    assert result.ok
    assert result.notes == (
        "ND13 turn 2: nothing in the code has asked for the signal nope so far",
    )
    assert "ND13" in result.text()


async def test_a_workflow_that_is_gone_is_told_and_a_module_that_is_gone_is_a_mistake(
    client: Client, module: Load
) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    module("reasons", PLAIN.replace("def flow", "def renamed"))

    result = replay(history)

    assert result.difference is not None
    assert result.difference.code == "ND15"
    assert "has no 'flow'" in result.text()
    elsewhere = changed(history, header=changed(history.header, entry="not_there:flow"))
    with pytest.raises(UnknownWorkflowError, match="no module"):
        replay(elsewhere)


@pytest.mark.parametrize(("edit", "told"), [("await c()", True), ("await a()", False)])
async def test_another_python_is_mentioned_beside_a_difference(
    edit: str,
    told: bool,  # noqa: FBT001 - a parameter of the test
    client: Client,
    module: Load,
) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    history = changed(history, header=changed(history.header, python="3.8"))

    result = replay(history, module("reasons", PLAIN.replace("await a()", edit)).flow)

    assert ("Recorded on Python 3.8" in result.text()) == told
