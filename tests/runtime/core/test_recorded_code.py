"""A history says which code applied each turn, and which branch of each patch its run took."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from holdfast import Client, Worker
from holdfast.clock import VirtualClock
from holdfast.errors import HistoryFormatError
from holdfast.history import History, PatchDecision, dump_history, parse_history
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]

V1 = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def reserve() -> str: return "reserved"
@activity.define
async def charge(cents: int) -> str: return "charged"

@workflow.define
async def order() -> str:
    await reserve()
    await asyncio.sleep(60)
    return await charge(100)
"""
PATCHED = V1.replace(
    "    await reserve()\n", '    if not workflow.patched("no-reserve"):\n        await reserve()\n'
)


def worker_of(client: Client, code: ModuleType) -> Worker:
    return Worker(client, workflows=[code.order], activities=[code.reserve, code.charge])


async def deployed_half_way(client: Client, clock: VirtualClock, module: Load) -> Any:
    """Run the first version up to its timer and the second from there; return versions and history."""
    first = module("orders", V1)
    handle = await client.start(first.order, id="order-1")
    await worker_of(client, first).run_until_idle()
    clock.advance(timedelta(seconds=61))
    second = module("orders", PATCHED)
    await worker_of(client, second).run_until_idle()
    assert await handle.result() == "charged"
    return first, second, await handle.history()


def reread(history: History) -> History:
    return parse_history(dump_history(history))


async def test_each_turn_names_the_code_that_applied_it(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    first, second, history = await deployed_half_way(client, clock, module)

    old, new = first.order.definition.fingerprint, second.order.definition.fingerprint
    assert old != new
    assert [turn.code for turn in history.turns] == [old, old, new, new]
    assert reread(history) == history


async def test_the_file_names_code_only_where_it_changes(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    _, _, history = await deployed_half_way(client, clock, module)

    rows = [json.loads(line) for line in dump_history(history).splitlines()[1:]]

    assert ["code" in row for row in rows] == [True, False, True, False]


async def test_an_event_that_nobody_has_applied_names_no_code(client: Client, module: Load) -> None:
    code = module("orders", V1)
    handle = await client.start(code.order, id="order-1")

    history = await handle.history()

    assert [turn.code for turn in history.turns] == [""]
    assert reread(history) == history


async def test_both_branches_of_a_patch_are_in_the_history(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    _, second, history = await deployed_half_way(client, clock, module)
    fresh = await client.start(second.order, id="order-2")
    await worker_of(client, second).run_until_idle()

    taken = (await fresh.history()).header.decisions

    old_branch = PatchDecision(patch="no-reserve", key=None, taken=False, turn=1)
    assert history.header.decisions == (old_branch,)
    assert taken == (replace(old_branch, taken=True),)
    assert reread(history).header.decisions == (old_branch,)


async def test_a_file_of_an_older_release_is_read(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    _, _, history = await deployed_half_way(client, clock, module)
    rows = [json.loads(line) for line in dump_history(history).splitlines()]
    for row in rows[1:]:
        row.pop("code", None)
    rows[0].pop("decisions")

    old = parse_history("\n".join(json.dumps(row) for row in rows))

    assert {turn.code for turn in old.turns} == {""}
    assert old.header.decisions == ()
    assert [turn.commands for turn in old.turns] == [turn.commands for turn in history.turns]


NO_BOOL = [{"patch": "x", "key": None, "taken": "no", "turn": 1}]


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ((0, "decisions"), [{"patch": "x"}], "history:1: the header is not what it should be"),
        ((0, "decisions"), ["x"], "decisions holds 'x'"),
        ((0, "decisions"), 7, "history:1: the header is not what it should be"),
        ((0, "decisions"), NO_BOOL, "taken is 'no'"),
        ((1, "code"), 7, "history:2: code is 7; expected the fingerprint of code"),
    ],
)
async def test_a_damaged_field_is_refused_in_a_sentence(
    place: tuple[int, str], value: Any, says: str, client: Client, module: Load
) -> None:
    line, field = place
    handle = await client.start(module("orders", V1).order, id="order-1")
    history = await handle.history()
    rows = [json.loads(text) for text in dump_history(history).splitlines()]
    rows[line][field] = value

    with pytest.raises(HistoryFormatError) as caught:
        parse_history("\n".join(json.dumps(row) for row in rows))

    assert says in str(caught.value)


@pytest.mark.parametrize(("unstable", "drifts"), [("", ["DR06"]), ("(unstable_args=True)", [])])
@pytest.mark.construct("activity.define(unstable_args=)")
async def test_an_activity_may_declare_its_arguments_unstable(
    unstable: str, drifts: list[str], client: Client, clock: VirtualClock, module: Load
) -> None:
    _, _, history = await deployed_half_way(client, clock, module)
    edited = V1.replace("charge(100)", "charge(101)").replace(
        "@activity.define\nasync def charge", f"@activity.define{unstable}\nasync def charge"
    )

    result = replay(history, module("orders", edited).order)

    assert result.ok, result.text()
    assert [drift.code for drift in result.drifts] == drifts
