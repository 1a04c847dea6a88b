"""A report leads with the deeper reason: a branch that is gone, code that is not repeatable, a workflow that is gone."""

import platform
from collections.abc import Callable
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from tests.runtime.core.reports import assert_reported

from holdfast import Client, Worker
from holdfast._registry import python_minor
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.errors import NondeterminismError, UnknownWorkflowError
from holdfast.history import ActivityCompleted, History, dump_history
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
@pytest.mark.construct("ND12")
async def test_a_run_on_the_old_branch_of_a_retired_patch_is_told_even_if_nothing_else_differs(
    body: str, structure: str, client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await parked(client, clock, module, PATCHED)
    history = await handle.history()
    assert [d.taken for d in history.header.decisions] == [False]

    result = replay(history, module("reasons", body).flow)

    assert_reported(result, history, "ND12")
    assert result.difference is not None
    assert result.difference.structure == structure
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


@pytest.mark.construct("ND16")
async def test_processes_with_other_hash_seeds_find_out_that_code_is_not_repeatable(
    client: Client, module: Load
) -> None:
    history = of_another_code(await recorded(client, module("reasons", SORTED)))
    flow = module("reasons", HASHED).flow
    first = replay(history, flow)
    assert first.difference is not None  # but once in 9! processes
    assert first.difference.code == "ND03"

    result = confirm(history, first, flow)

    assert_reported(result, history, "ND16")
    assert result.difference is not None
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


@pytest.mark.construct("ND15")
async def test_a_workflow_that_is_gone_is_told_and_a_module_that_is_gone_is_a_mistake(
    client: Client, module: Load
) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    module("reasons", PLAIN.replace("def flow", "def renamed"))

    result = replay(history)

    assert_reported(result, history, "ND15")
    assert (
        "reasons:flow, and that is no workflow now: the workflows there are reasons:renamed."
        in result.text()
    )
    assert "fix:  Bring the workflow back" in result.text()
    elsewhere = changed(history, header=changed(history.header, entry="not_there:flow"))
    with pytest.raises(UnknownWorkflowError, match="no module"):
        replay(elsewhere)


@pytest.mark.construct("ND15")
async def test_an_unknown_engine_flag_is_told_before_anything_is_replayed(
    client: Client, module: Load
) -> None:
    code = module("reasons", PLAIN)
    history = await recorded(client, code)
    history = changed(history, header=changed(history.header, flags=0x40))

    result = replay(history, code.flow)

    assert_reported(result, history, "ND15")
    assert result.turns == 0
    text = result.text()
    assert "engine flags 0x40; this holdfast knows 0x0" in text
    assert "fix:  Replay it with the release of holdfast that recorded it" in text
    assert "differs" not in text  # nothing was produced, so nothing is said to be gone


async def test_a_run_from_another_python_that_replays_is_a_note_and_no_difference(
    client: Client, module: Load, tmp_path: Path
) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    history = changed(history, header=changed(history.header, python="3.8"))
    file = tmp_path / "r.hist.jsonl"
    file.write_text(dump_history(history))

    said = CliRunner().invoke(main, ["replay", str(file)])

    assert said.exit_code == 0
    assert "no difference" in said.output
    assert f"Started on Python 3.8, replayed on {python_minor()}." in said.output
    assert_replays(file)


@pytest.mark.construct("ND13")
async def test_an_event_whose_command_nobody_gave_is_told(client: Client, module: Load) -> None:
    code = module("reasons", PLAIN)
    history = await recorded(client, code)
    second = history.turns[1]
    assert isinstance(second.event, ActivityCompleted)
    astray = changed(second, event=changed(second.event, seq=9))
    turns = (history.turns[0], astray, *history.turns[2:])
    history = of_another_code(changed(history, turns=turns))

    result = replay(history, code.flow)

    assert_reported(result, history, "ND13")
    assert "Bring back the call that this event answers" in result.text()


@pytest.mark.construct("ND14")
async def test_a_recorded_value_that_the_code_cannot_read_is_told(
    client: Client, module: Load
) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    other = PLAIN.replace(
        "async def a() -> int: return 1", "async def a() -> list[int]: return [1]"
    )

    result = replay(history, module("reasons", other).flow)

    assert_reported(result, history, "ND14")
    assert result.difference is not None
    assert result.difference.turn == 2
    assert "Bring the old type back" in result.text()


async def test_an_edit_is_told_as_such_on_another_python_too_beside_a_word_about_it(
    client: Client, module: Load
) -> None:
    history = await recorded(client, module("reasons", PLAIN))
    history = changed(history, header=changed(history.header, python="3.8"))

    result = replay(history, module("reasons", PLAIN.replace("await a()", "await c()")).flow)

    assert result.difference is not None
    assert result.difference.code == "ND04"
    assert "Started on Python 3.8" in result.text()


BY_PYTHON = PLAIN.replace("    await a()\n", "    await (a() if minor() == '8' else c())\n").replace(
    "import asyncio\n", "import asyncio, platform\n\ndef minor(): return platform.python_version_tuple()[1]\n"
)  # fmt: skip


@pytest.mark.construct("ND15")
async def test_a_run_that_another_python_cannot_go_on_with_is_finished_by_its_own(
    client: Client, clock: VirtualClock, module: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = module("reasons", BY_PYTHON)
    with monkeypatch.context() as python:
        python.setattr(platform, "python_version_tuple", lambda: ("3", "8", "1"))
        handle = await client.start(code.flow, id="r")
        await worker_of(client, code).run_until_idle()
    clock.advance(timedelta(seconds=61))

    await worker_of(client, code).run_until_idle()
    error = (await client.describe("r")).evidence.error
    await worker_of(client, code).run_until_idle()
    still = (await client.describe("r")).summary.verdict.code
    with monkeypatch.context() as python:
        python.setattr(platform, "python_version_tuple", lambda: ("3", "8", "1"))
        await worker_of(client, code).run_until_idle()

    assert error is not None
    assert (error["code"], error["structure"]) == ("ND15", "ND04")
    assert "the Python is what changed. Started on Python 3.8" in error["detail"]
    assert "let workers of that version finish the open runs" in error["suggestion"]
    assert still == "stuck.nondeterminism"
    assert await handle.result() == 2


async def test_code_that_is_not_repeatable_is_not_blamed_on_another_python(
    client: Client, module: Load
) -> None:
    history = await recorded(client, module("reasons", SORTED))
    flow = module("reasons", HASHED).flow
    turns = tuple(changed(turn, code=flow.definition.fingerprint) for turn in history.turns)
    history = History(header=changed(history.header, python="3.8"), turns=turns)
    first = replay(history, flow)
    assert first.difference is not None  # but once in 9! processes
    assert_reported(first, history, "ND15")
    assert first.difference.structure == "ND03"

    result = confirm(history, first, flow)

    assert result.difference is not None
    assert (result.difference.code, result.difference.structure) == ("ND16", "ND03")
