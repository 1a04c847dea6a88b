"""What asyncio leaves to chance is repeatable in a workflow, and what a matcher must see is seen."""

import asyncio
import gc
import json
import random
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, PrivateAttr

from holdfast import activity, workflow
from holdfast._core.matcher import identity, matches
from holdfast.errors import ForbiddenCallError, HistoryFormatError
from holdfast.history import History, RequestApproval, ScheduleActivity, dump_history, parse_history
from holdfast.replay import replay
from holdfast_testkit import Sim, SimStuckError


@activity.define
async def square(number: int) -> int:
    return number * number


@workflow.define
async def as_completed() -> list[tuple[int, int]]:
    async def one(number: int) -> tuple[int, int]:
        return number, await square(number)

    return [await found for found in asyncio.as_completed([one(number) for number in range(8)])]


def played(flow: Any, *args: Any) -> tuple[Any, History]:
    with Sim() as sim:
        sim.real(square)
        run = sim.start(flow, *args, id="r")
        result = sim.result(run)
        return result, sim.history(run)


def test_as_completed_gives_each_coroutine_its_own_result() -> None:
    garbage = []
    for round_number in range(5):
        result, _ = played(as_completed)
        garbage.append([object() for _ in range(round_number * 31)])

        assert sorted(result) == [(number, number * number) for number in range(8)]


@workflow.define
async def as_completed_timers() -> list[int]:
    async def after(seconds: int) -> int:
        await asyncio.sleep(seconds)
        return seconds

    return [await found for found in asyncio.as_completed([after(3), after(1), after(2)])]


@pytest.mark.construct("asyncio.as_completed")
def test_as_completed_gives_timers_in_the_order_of_time() -> None:
    assert played(as_completed_timers)[0] == [1, 2, 3]


async def test_as_completed_is_asyncios_own_outside_a_workflow() -> None:
    async def one(number: int) -> int:
        return number

    found = [await part for part in asyncio.as_completed([one(number) for number in range(3)])]

    assert sorted(found) == [0, 1, 2]


@workflow.define
async def leaving_a_generator() -> list[str]:
    seen: list[str] = []

    async def produce() -> Any:
        try:
            for number in range(5):
                seen.append(str(await square(number)))
                yield number
        finally:
            seen.append("closed")

    async for number in produce():
        if number == 1:
            break
    await asyncio.sleep(0)
    return seen


@pytest.mark.construct("asynchronous generators")
def test_a_generator_that_is_left_runs_its_clean_up() -> None:
    result, _ = played(leaving_a_generator)

    assert result == ["0", "1", "closed"]
    assert gc.isenabled()


chance = random.Random(7)


@workflow.define
async def unrepeatable() -> None:
    await square(chance.randrange(1_000_000))
    await asyncio.sleep(1)


def test_a_simulation_refuses_code_that_asks_for_something_else_on_replay() -> None:
    with Sim() as sim:
        sim.real(square)
        run = sim.start(unrepeatable)

        with pytest.raises(
            SimStuckError,
            match=r"did not ask for the same again: DR06 at .*test_repeatable\.py:\d+",
        ):
            sim.result(run)


def test_a_command_of_another_kind_is_not_the_same_whatever_its_name() -> None:
    scheduled = ScheduleActivity(seq=1, site="", name="pay", args=[], options={})
    asked = RequestApproval(seq=1, site="", name="pay", ask="?", to=[], schema={}, timeout_ms=None)

    assert identity(scheduled) != identity(asked)
    assert not matches([scheduled], [asked])


SETS = """
from holdfast import activity, workflow
from holdfast.history import dump_history
from holdfast_testkit import Sim

@activity.define
async def keep(names: set[str], nested: dict[str, list[frozenset[str]]]) -> set[str]: return names

@workflow.define
async def flow() -> set[str]:
    names = {"anna", "bert", "carl", "dora", "emil"}
    return await keep(names, {"all": [frozenset(names)]})

with Sim() as sim:
    sim.real(keep)
    run = sim.start(flow, id="r")
    sim.result(run)
    print([turn.commands for turn in sim.history(run).turns])
"""


@pytest.mark.construct("hash seeds")
def test_a_set_is_recorded_in_the_same_order_under_every_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SETS], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip

    assert len(outputs) == 1


@workflow.define
async def echo(text: str) -> str:
    await square(2)
    return text


def test_a_history_with_every_kind_of_line_break_in_it_is_read_back() -> None:
    _, history = played(echo, "a\u2028b\u2029c\u0085d\r\ne")

    assert parse_history(dump_history(history)) == history


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    return [path] + [leaf for key, value in items for leaf in leaves(value, (*path, key))]


def damaged_versions(lines: list[Any]) -> list[str]:
    """Return the file with each leaf of each line replaced by each of several wrong values, one at a time."""
    versions = []
    for number, line in enumerate(lines):
        for path in leaves(line)[1:]:
            for value in (None, -1, "x", [], {}, 2.5, [1], {"a": 1}):
                damaged = json.loads(json.dumps(line))
                place = damaged
                for key in path[:-1]:
                    place = place[key]
                place[path[-1]] = value
                versions.append(
                    "\n".join(
                        json.dumps(damaged if n == number else other)
                        for n, other in enumerate(lines)
                    )
                )
    return versions


def test_a_damaged_history_is_read_or_refused_in_a_sentence() -> None:
    _, history = played(echo, "text")
    versions = damaged_versions([json.loads(line) for line in dump_history(history).splitlines()])
    refused = []
    for text in versions:
        try:
            parse_history(text, name="damaged")
        except HistoryFormatError as error:
            refused.append(str(error))

    assert len(refused) > len(versions) / 4
    assert all(sentence.startswith("damaged") for sentence in refused)


def drawn() -> UUID:
    try:
        return workflow.uuid4()
    except ForbiddenCallError:  # where the activity reads it, there is no run to draw from
        return UUID(int=0)


class Traced(BaseModel):
    number: int
    _trace: UUID = PrivateAttr(default_factory=drawn)


@activity.define
async def traced(item: Traced) -> int:
    return item.number


@workflow.define
async def drawing() -> float:
    item = Traced(number=1)
    await traced(item)
    await traced(item)
    return workflow.random().random()


def test_what_a_payload_draws_while_it_is_checked_moves_no_later_draw() -> None:
    with Sim() as sim:
        sim.fake(traced).returns(1)
        run = sim.start(drawing, id="r")
        sim.result(run)
        history = sim.history(run)

    replay(history, drawing).raise_for_difference()
