"""Random edits of random programs: a difference is told exactly where a model of the programs says there is one."""

import asyncio
import os
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tests.runtime.core.test_kinds import record

from holdfast import activity, workflow
from holdfast.history import History
from holdfast.replay import replay

PROGRAMS = 1000
KINDS = ("activity", "timer", "publish", "gather")
NAMES = ("a", "b", "c")


@activity.define
async def a(x: int) -> int:
    return x


@activity.define
async def b(x: int) -> int:
    return x


@activity.define
async def c(x: int) -> int:
    return x


@dataclass(frozen=True)
class Step:
    """Be one statement of a program; `names` are those of its activities, or the key that it publishes."""

    kind: str
    names: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        calls = [f"{name}(1)" for name in self.names]
        match self.kind:
            case "activity":
                return f"await {calls[0]}"
            case "timer":
                return "await asyncio.sleep(5)"
            case "publish":
                return f"workflow.publish({self.names[0]!r}, 1)"
            case _:
                return f"await asyncio.gather({', '.join(calls)})"


Program = tuple[Step, ...]


def step(draw: random.Random) -> Step:
    kind = draw.choice(KINDS)
    count = {"timer": 0, "gather": draw.randint(2, 3)}.get(kind, 1)
    return Step(kind, tuple(draw.choices(NAMES, k=count)))


def edited(program: Program, draw: random.Random) -> Program:
    """Return the program with one statement added, removed, replaced, or put elsewhere."""
    steps = list(program)
    where = draw.randrange(len(steps))
    match draw.choice(("add", "remove", "replace", "move", "nothing")):
        case "add":
            steps.insert(draw.randint(0, len(steps)), step(draw))
        case "remove":
            del steps[where]
        case "replace":
            steps[where] = step(draw)
        case "move":
            moved = steps.pop(where)
            steps.insert(draw.randint(0, len(steps)), moved)
    return tuple(steps)


def model(program: Program) -> list[list[str]]:
    """Return what each turn asks for when the oldest open command is always answered first: no engine is involved."""
    turns: list[list[str]] = [[]]
    for item in program:
        if item.kind == "publish":
            turns[-1].append(f"publish {item.names[0]}")
            continue
        asked = [f"activity {name}" for name in item.names] or ["timer"]
        turns[-1] += asked
        turns += [[] for _ in asked]
    turns[-1].append("end")
    return turns


def compiled(program: Program) -> Any:
    body = "".join(f"    {item.source}\n" for item in program)
    source = f"@workflow.define\nasync def flow() -> int:\n{body}    return 7\n"
    names = {
        "__name__": "random_program",
        "workflow": workflow,
        "asyncio": asyncio,
        "a": a,
        "b": b,
        "c": c,
    }
    exec(compile(source, "random_program.py", "exec"), names)
    return names["flow"]


def cases(seed: int) -> Iterator[tuple[Program, Program, random.Random]]:
    draw = random.Random(seed)
    for _ in range(PROGRAMS):
        program = tuple(step(draw) for _ in range(draw.randint(1, 6)))
        yield program, edited(program, draw), draw


def first_difference(old: list[list[str]], new: list[list[str]], committed: int) -> int | None:
    pairs = zip_longest(old[:committed], new[:committed])
    return next((turn for turn, (one, other) in enumerate(pairs, 1) if one != other), None)


def test_replay_tells_a_difference_exactly_where_the_commands_differ() -> None:
    seed = int(os.environ.get("HOLDFAST_SEED", "0")) or secrets.randbits(32)
    print(f"again: HOLDFAST_SEED={seed}")  # noqa: T201 - shown when the test fails
    seen: set[str] = set()
    for program, edit, draw in cases(seed):
        flow = compiled(program)
        history = record(flow.definition)
        assert len(history.turns) == len(model(program)), f"HOLDFAST_SEED={seed}: {program}"
        committed = draw.randint(1, len(history.turns))

        result = replay(
            History(header=history.header, turns=history.turns[:committed]), compiled(edit)
        )

        where = first_difference(model(program), model(edit), committed)
        told = None if result.difference is None else result.difference.turn
        assert told == where, (
            f"HOLDFAST_SEED={seed}: {program} -> {edit}, {committed} turns\n{result.text()}"
        )
        assert result.bug is None
        seen.add("passes" if result.difference is None else result.difference.code)
    assert {"passes", "ND01", "ND02", "ND04", "ND05", "ND09"} <= seen, (
        f"HOLDFAST_SEED={seed}: {seen}"
    )
