"""The simulation talks with runs as clients do, and runs their children."""

import asyncio
from datetime import timedelta

import pytest

from holdfast import ApplicationError, activity, workflow
from holdfast.errors import UpdateRefusedError
from holdfast_testkit import Sim, SimStuckError

stop = workflow.Signal("stop", str)
add = workflow.Update("add", int, int)


@activity.define
async def price(item: str) -> int:
    raise AssertionError("the real function ran")


@workflow.define
async def line(item: str) -> int:
    return await price(item)


@workflow.define
async def order(items: list[str]) -> int:
    return sum(await workflow.map(line, items, limit=2))


@workflow.define
async def counting() -> str:
    total = 0

    async def answer(value: int) -> int:
        nonlocal total
        if value < 0:
            raise ApplicationError("only up")
        await asyncio.sleep(3600)
        total += value
        workflow.publish("total", total)
        return total

    add.handle(answer)
    return await stop.receive(timeout=timedelta(days=1))


@workflow.define
async def deaf() -> str:
    return await stop.receive()


def test_children_run_inside_the_simulation(sim: Sim) -> None:
    priced = sim.fake(price).runs(len)

    assert sim.result(sim.start(order, ["ab", "abc"])) == 5
    assert sorted(priced.calls) == [("ab",), ("abc",)]


def test_a_run_is_asked_told_and_read(sim: Sim) -> None:
    run = sim.start(counting)
    began = sim.now

    assert sim.run_until(run, "wait.signal").code == "wait.signal"
    assert sim.update(run, add, 4) == 4
    assert sim.now - began == timedelta(hours=1)
    assert sim.query(run, "total") == 4
    with pytest.raises(UpdateRefusedError, match="only up"):
        sim.update(run, add, -1)
    assert sim.signal(run, stop, "enough", message="m")
    assert not sim.signal(run, stop, "enough", message="m")
    assert sim.result(run) == "enough"


def test_an_update_that_nobody_will_answer_says_what_the_run_waits_for(sim: Sim) -> None:
    run = sim.start(deaf)

    with pytest.raises(SimStuckError, match=r"wait.signal"):
        sim.update(run, add, 4)
