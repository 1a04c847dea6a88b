"""A difference in a command of any kind is told in words, and other content of it is drift."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from types import ModuleType
from typing import Any

import pytest

from holdfast._core.driver import advance
from holdfast._core.execution import Execution
from holdfast._core.facts import RunFacts
from holdfast._core.matcher import drifts_of, matches
from holdfast._core.wording import describe_command, describe_event
from holdfast._registry import WorkflowDefinition
from holdfast.history import (
    COMMANDS,
    EVENTS,
    ActivityCompleted,
    ChildCompleted,
    Event,
    Failure,
    Header,
    History,
    RunStarted,
    SignalDelivered,
    SignalReceived,
    TimerFired,
    Turn,
    UpdateRequested,
    body_of,
)
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]

HEAD = """
import asyncio
from holdfast import activity, workflow
from holdfast.errors import ApplicationError

note = workflow.Signal("note", str)
size = workflow.Update("size", int, int)

@activity.define
async def a() -> int: return 1
@activity.define
async def b(x: int) -> int: return x
@activity.define(unstable_args=True)
async def c(x: int) -> int: return x

@workflow.define
async def part(x: int) -> int: return x
@workflow.define
async def other(x: int) -> int: return x

@workflow.define
async def flow() -> int:
"""
ANSWERS: dict[str, Callable[..., Event]] = {
    "schedule_activity": lambda turn, seq: ActivityCompleted(turn=turn, at=turn, seq=seq, result=1),
    "run_compensation": lambda turn, seq: ActivityCompleted(turn=turn, at=turn, seq=seq, result=1),
    "start_timer": lambda turn, seq: TimerFired(turn=turn, at=turn, seq=seq),
    "start_child": lambda turn, seq: ChildCompleted(turn=turn, at=turn, seq=seq, result=1),
    "send_signal": lambda turn, seq: SignalDelivered(turn=turn, at=turn, seq=seq),
}


def record(definition: WorkflowDefinition, events: Sequence[Event] = ()) -> History:
    """Let the code run, each command answered, the oldest first; then come `events`."""
    execution = Execution(definition, RunFacts(run_id="r", seed="s"))
    left = list(events)
    turns: list[Turn] = []
    event: Event = RunStarted(turn=1, at=1, args=[])
    while True:
        applied = advance(execution, event)
        turns.append(Turn(event=event, commands=applied.commands))
        open_ones = [c for c in execution.pending() if c.kind in ANSWERS]
        if execution.closed or not (open_ones or left):
            break
        turn = len(turns) + 1
        if open_ones:
            event = ANSWERS[open_ones[0].kind](turn, open_ones[0].seq)
        else:
            event = replace(left.pop(0), turn=turn, at=turn)
    execution.evict()
    header = Header(
        workflow="flow", entry="kinds:flow", run="r", status="running", code="", python="3", flags=0, seed="s"
    )  # fmt: skip
    return History(header=header, turns=tuple(turns))


def edited(
    module: Load, body: str, edit: tuple[str, str], events: Sequence[Event] = ()
) -> tuple[History, Any]:
    history = record(module("kinds", HEAD + body).flow.definition, events)
    assert edit[0] in body
    code = module("kinds", HEAD + body.replace(*edit, 1))
    return history, replay(history, code.flow)


MESSAGE = SignalReceived(turn=0, at=0, name="note", payload="hello", message="m")
REQUEST = UpdateRequested(turn=0, at=0, name="size", payload=3, update="u")

DIFFERENCES = {
    "publish_value": (
        '    workflow.publish("stage", 1)\n    return await a()\n', ('"stage"', '"step"'), "ND04",
        "publish stage", (),
    ),
    "set_attributes": (
        '    workflow.set_attributes({"customer": "acme"})\n    return await a()\n',
        ('    workflow.set_attributes({"customer": "acme"})\n', ""), "ND02", "attributes customer", (),
    ),
    "start_child": (
        "    return await workflow.run_child(part, 1)\n", ("(part, 1)", "(other, 1)"), "ND04", "child part(1)", (),
    ),
    "send_signal": (
        '    await note.send("x", "hello")\n    return 1\n', ('"x"', '"y"'), "ND04", "signal note to x", (),
    ),
    "register_compensation": (
        "    workflow.compensate(b, 5)\n    return await a()\n", ("    workflow.compensate(b, 5)\n", ""), "ND02",
        "registration of the compensation b(5)", (),
    ),
    "run_compensation": (
        "    workflow.compensate(b, 5)\n    await a()\n    await workflow.roll_back()\n    return 1\n",
        ("    await workflow.roll_back()\n", ""), "ND09", "compensation #1", (),
    ),
    "continue_as_new": (
        "    await a()\n    workflow.continue_as_new(7, workflow=part)\n",
        ("    workflow.continue_as_new(7, workflow=part)\n", "    return 7\n"), "ND05", "continuation as part(7)", (),
    ),
    "answer_update": (
        "    size.handle(lambda x: x)\n    return len(await note.receive())\n",
        ("    size.handle(lambda x: x)\n", ""), "ND02", "answer to update u", (REQUEST,),
    ),
    "refuse_update": (
        "    size.handle(lambda x: x, check=lambda x: 1 / 0)\n    return len(await note.receive())\n",
        (", check=lambda x: 1 / 0", ""), "ND05", "refusal of update u", (REQUEST,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_a_difference_is_told_in_words(kind: str, module: Load) -> None:
    body, edit, code, words, events = DIFFERENCES[kind]

    history, result = edited(module, body, edit, events)

    assert kind in {c.kind for turn in history.turns for c in turn.commands or ()}
    assert result.difference is not None
    assert result.difference.code == code, result.text()
    assert words in result.text()


DRIFTS = {
    "publish_value": ('    workflow.publish("stage", 1)\n    return await a()\n', ("1)", "2)"), "DR06", ()),
    "set_attributes": (
        '    workflow.set_attributes({"customer": "acme"})\n    return await a()\n', ("acme", "apex"), "DR06", (),
    ),
    "start_child": ("    return await workflow.run_child(part, 1)\n", ("1)", "2)"), "DR06", ()),
    "start_child options": (
        "    return await workflow.run_child(part, 1)\n", ("1)", '1, queue="slow")'), "DR07", (),
    ),
    "start_child ending": (
        "    return await workflow.start_child(part, 1).result()\n", ("1)", '1, on_close="abandon")'), "DR07", (),
    ),
    "send_signal": ('    await note.send("x", "hello")\n    return 1\n', ("hello", "bye"), "DR06", ()),
    "answer_update": (
        "    size.handle(lambda x: x)\n    return len(await note.receive())\n", ("x: x", "x: x + 1"), "DR06", (REQUEST,),
    ),
    "refuse_update": (
        "    size.handle(lambda x: x, check=lambda x: 1 / 0)\n    return len(await note.receive())\n",
        ("1 / 0", "[][0]"), "DR06", (REQUEST,),
    ),
    "continue_as_new": (
        "    await a()\n    workflow.continue_as_new(7, workflow=part)\n", ("(7,", "(8,"), "DR06", (),
    ),
    "register_compensation": (
        "    workflow.compensate(b, 5)\n    return await a()\n", ("5)", "6)"), "DR06", (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DRIFTS)
def test_other_content_is_drift(kind: str, module: Load) -> None:
    body, edit, code, events = DRIFTS[kind]

    _, result = edited(module, body, edit, events)

    assert result.ok, result.text()
    assert [drift.code for drift in result.drifts] == [code]


def test_a_compensation_may_have_unstable_arguments(module: Load) -> None:
    body = "    workflow.compensate(c, 5)\n    return await a()\n"

    _, result = edited(module, body, ("5)", "6)"))

    assert result.ok
    assert result.drifts == ()


SAMPLES: dict[str, list[Any]] = {
    "str": ["x", "y"],
    "int": [1, 2],
    "list": [["x"], ["y"]],
    "dict": [{"x": 1}, {"x": 2}],
    "Failure": [Failure(type="E", message="x"), Failure(type="E", message="y")],
}
SILENT = {("start_child", "entry"), ("continue_as_new", "entry"), ("reopen_approval", "reason")}


def sample(record: type[Any], which: int = 0, only: str = "") -> Any:
    """Return a record of any kind; the field `only` has the value number `which`."""
    values = {}
    for field in fields(record):
        declared = getattr(field.type, "__name__", None) or str(field.type)
        options = SAMPLES.get(declared.partition(" ")[0].partition("[")[0], [1, 2])
        values[field.name] = options[which if field.name == only else 0]
    return record(**values)


@pytest.mark.parametrize("kind", COMMANDS)
def test_no_field_of_a_command_changes_in_silence(kind: str) -> None:
    base = sample(COMMANDS[kind])
    for name in body_of(base):
        other = sample(COMMANDS[kind], 1, name)
        assert base != other
        noticed = not matches([base], [other]) or bool(drifts_of(1, [base], [other]))
        assert noticed != ((kind, name) in SILENT), name


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_command_has_words(kind: str) -> None:
    text = describe_command(sample(COMMANDS[kind]))

    assert "_" not in text
    assert text.strip() == text


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_has_words(kind: str) -> None:
    text = describe_event(sample(EVENTS[kind]), {1: "charge"})

    assert "_" not in text
    assert ("#1 charge" in text) == hasattr(sample(EVENTS[kind]), "seq")


def test_what_comes_after_a_message_is_looked_at_before_a_step_is_called_removed(
    module: Load,
) -> None:
    body = "    await a()\n    await note.receive()\n    return await b(1)\n"
    moved = (
        "    await a()\n    await note.receive()\n",
        "    await note.receive()\n    await a()\n",
    )

    _, result = edited(module, body, moved, (MESSAGE,))

    assert result.difference is not None
    assert result.difference.code == "ND08", result.text()


def test_a_step_behind_a_child_is_looked_at_too(module: Load) -> None:
    body = "    await a()\n    await workflow.run_child(part, 1)\n    return 1\n"
    swapped = (
        "    await a()\n    await workflow.run_child(part, 1)\n",
        "    await workflow.run_child(part, 1)\n    await a()\n",
    )

    _, result = edited(module, body, swapped)

    assert result.difference is not None
    assert result.difference.code == "ND03", result.text()


@pytest.mark.parametrize(
    ("body", "edit", "code"),
    [
        ("    await b(1)\n    return await b(2)\n", ("b(1)", "c(1)"), "ND04"),
        ("    await b(1)\n    await c(2)\n    return await b(3)\n", ("c(2)", "b(2)"), "ND04"),
        ("    await b(1)\n    return await b(2)\n", ("b(1)", "asyncio.sleep(1)"), "ND05"),
        ("    await b(1)\n    return await b(2)\n", ("b(1)", "c(1)\n    await b(1)"), "ND01"),
        (
            "    await c(1)\n    await b(1)\n    return await b(2)\n",
            ("    await c(1)\n", ""),
            "ND02",
        ),
    ],
)
def test_a_rename_is_one_also_where_the_old_name_comes_again(
    body: str, edit: tuple[str, str], code: str, module: Load
) -> None:
    _, result = edited(module, body, edit)
    assert result.difference.code == code
