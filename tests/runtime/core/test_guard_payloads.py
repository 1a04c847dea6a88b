"""Reading and writing payloads is part of a turn: defaults and validators that cannot be replayed are refused."""

import dataclasses
import datetime as dt
import random
import time
import uuid
from typing import Any

import pytest
from pydantic import BaseModel, Field, FutureDate, PastDatetime, field_validator

from holdfast import activity, workflow
from holdfast.errors import ArgumentError, PayloadError
from holdfast.history import (
    ActivityCompleted,
    Header,
    History,
    RunStarted,
    ScheduleActivity,
    SignalReceived,
    Turn,
)
from holdfast.replay import replay
from holdfast_testkit import Sim

START = RunStarted(turn=1, at=0, args=[])


class Item(BaseModel):
    name: str = ""
    at: dt.datetime = Field(default_factory=dt.datetime.now)


class Order(BaseModel):
    items: list[Item]


@dataclasses.dataclass
class Ticket:
    number: uuid.UUID = dataclasses.field(default_factory=uuid.uuid4)


class Lot(BaseModel):
    size: int = Field(default_factory=lambda: random.randint(1, 6))


class Checked(BaseModel):
    size: int

    @field_validator("size")
    @classmethod
    def check(cls, size: int) -> int:
        try:
            return size + int(time.time())
        except Exception as error:
            raise ValueError("no time") from error


class Repeatable(BaseModel):
    at: dt.datetime = Field(default_factory=workflow.now)
    number: uuid.UUID = Field(default_factory=workflow.uuid4)


class Hidden(BaseModel):
    made: float = Field(default_factory=time.time, exclude=True)


tick = workflow.Signal("tick", Item)


@activity.define
async def fetch() -> Order:
    return Order(items=[])


@activity.define
async def store(hidden: Hidden) -> None: ...


def bug_of(flow: Any, *turns: Turn) -> str:
    header = Header(
        workflow="flow", entry="flows:flow", run="r", status="open", code="", python="", flags=0, seed="s"
    )  # fmt: skip
    result = replay(History(header=header, turns=turns), flow)
    assert result.difference is None or result.bug
    return result.bug or ""


def started_with(kind: Any, tree: Any, **options: Any) -> str:
    @workflow.define(name="flow", **options)
    async def flow(order: kind) -> None:
        await workflow.wait_until(lambda: False, "for ever")

    return bug_of(flow, Turn(event=RunStarted(turn=1, at=0, args=[tree]), commands=()))


def test_a_default_that_reads_the_clock_is_refused_with_its_field_and_payload() -> None:
    assert started_with(Order, {"items": [{"name": "lamp"}]}) == (
        "ForbiddenCallError: datetime.datetime.now() reads the clock inside a workflow, while argument 'order' of flow "
        "is decoded: it makes the default of Item.at, of which nothing is recorded. Give Item.at a plain value as its "
        "default, such as None, and set it where the object is made. Lint rule HF101 finds this before it runs."
    )


@pytest.mark.parametrize(
    ("kind", "tree", "expected"),
    [
        (Ticket, {}, "uuid.uuid4() makes a random id inside a workflow, while argument 'order' of flow"),
        (Ticket, {}, "the default of Ticket.number"),
        (list[Lot], [{}], "the default of Lot.size"),
        (Lot | None, {}, "random.randint() calls random.getrandbits()"),
        (Checked, {"size": 1}, "time.time() reads the clock inside a workflow (tests/runtime/core/test_guard_payloads.py:"),
        (Checked, {"size": 1}, "in check), while argument 'order' of flow is decoded."),
    ],
)  # fmt: skip
def test_what_is_decoded_at_the_start_is_guarded(kind: Any, tree: Any, expected: str) -> None:
    assert expected in started_with(kind, tree)
    assert expected in started_with(kind, tree, fails_on=(Exception,))


def test_what_was_recorded_is_decoded_without_its_default() -> None:
    assert not started_with(Item, {"name": "lamp", "at": "2026-01-01T00:00:00"})


def test_defaults_that_replay_may_be_made_while_a_payload_is_decoded() -> None:
    assert not started_with(Repeatable, {})


def test_the_result_of_an_activity_is_guarded() -> None:
    @workflow.define(name="flow")
    async def flow() -> None:
        await fetch()

    asked = ScheduleActivity(seq=1, site="", name="fetch", args=[], options={})
    answer = ActivityCompleted(turn=2, at=1, seq=1, result={"items": [{}]})

    why = bug_of(flow, Turn(event=START, commands=(asked,)), Turn(event=answer, commands=()))

    assert "while the result of fetch is decoded: it makes the default of Item.at" in why


def test_a_signal_is_guarded() -> None:
    @workflow.define(name="flow")
    async def flow() -> None:
        await tick.receive()

    letter = SignalReceived(turn=2, at=1, name="tick", payload={}, message="m")

    why = bug_of(flow, Turn(event=START, commands=()), Turn(event=letter, commands=()))

    assert "while signal tick is decoded: it makes the default of Item.at" in why


def test_a_field_that_is_never_recorded_is_guarded_where_it_is_encoded() -> None:
    @workflow.define(name="flow")
    async def flow() -> None:
        await store(Hidden(made=0))

    why = bug_of(flow, Turn(event=START, commands=()))

    assert "while argument 'hidden' of store is encoded: it makes the default of Hidden.made" in why


def test_a_payload_is_guarded_when_its_event_is_applied_for_the_first_time() -> None:
    @workflow.define
    async def keeping(hidden: Hidden) -> None: ...

    with Sim() as sim:
        verdict = sim.run_until(sim.start(keeping, Hidden(made=0)), "stuck")

    assert verdict.code == "stuck.workflow_bug"
    assert "while argument 'hidden' of keeping is decoded" in verdict.why


@pytest.mark.parametrize("kind", [FutureDate, PastDatetime, list[FutureDate] | None])
def test_a_type_that_is_held_against_the_clock_is_no_payload(kind: Any) -> None:
    async def flow(due: kind) -> None: ...

    with pytest.raises((ArgumentError, PayloadError), match=r"compare with workflow\.now\(\)"):
        _ = workflow.define(name="flow")(flow).definition.signature
