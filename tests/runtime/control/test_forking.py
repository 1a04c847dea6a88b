"""A fork is a run that begins with the recorded beginning of another, and goes on under today's code."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType

import pytest

from holdfast import Client, Retry, Worker, activity, workflow
from holdfast._store.database import Tx
from holdfast._store.events import append_event
from holdfast.clock import VirtualClock
from holdfast.errors import RunExistsError, RunFailedError, UnknownRunError, UsageError
from holdfast_testkit import Sim

keys: list[str] = []
broken = [True]


@activity.define(retry=Retry(max_attempts=1))
async def step(number: int) -> int:
    keys.append(f"{number} {activity.idempotency_key()}")
    if number == 5 and broken[0]:
        raise ConnectionError("down")
    return number


@workflow.define
async def five() -> int:
    total = 0
    for number in range(1, 6):
        total += await step(number)
    return total


@workflow.define
async def asking() -> str:
    """Wait for a timer and a person at once."""
    timer = asyncio.create_task(asyncio.sleep(3600))
    answer = await workflow.approval(
        "go", ask="Go?", to=["ops"], answer=str, timeout=timedelta(days=1), on_timeout="late"
    )
    await timer
    return answer


@pytest.fixture
def sim() -> Iterator[Sim]:
    keys.clear()
    broken[0] = True
    with Sim() as made:
        made.real(step)
        yield made


@pytest.mark.construct("Client.fork")
@pytest.mark.construct("a fork keeps the keys")
def test_a_run_that_failed_goes_on_from_the_step_before_with_the_same_key(sim: Sim) -> None:
    run = sim.start(five, id="f")
    with pytest.raises(RunFailedError):
        sim.result(run)
    before = sim.describe(run)
    broken[0] = False

    fork = sim.fork(run, at=5, id="again")

    assert sim.result(fork) == 15
    assert keys == ["1 f/1", "2 f/2", "3 f/3", "4 f/4", "5 f/5", "5 f/5"]
    assert sim.describe(run) == before
    evidence = sim.describe(fork).evidence
    assert (evidence.forked_from, evidence.forked_at) == ("f", 5)
    assert [a.state for a in sim.describe(fork).activities] == ["completed"] * 5


def test_new_keys_repeat_effects(sim: Sim) -> None:
    run = sim.start(five, id="f")
    with pytest.raises(RunFailedError):
        sim.result(run)
    broken[0] = False
    keys.clear()

    fork = sim.fork(run, at=3, id="again", keys="new")

    assert sim.result(fork) == 15
    assert keys == ["3 again/3", "4 again/4", "5 again/5"]


@pytest.mark.construct("a fork keeps the keys")
def test_a_fork_of_a_fork_keeps_the_keys_of_the_first(sim: Sim) -> None:
    run = sim.start(five, id="f")
    with pytest.raises(RunFailedError):
        sim.result(run)
    second = sim.fork(run, at=4)
    with pytest.raises(RunFailedError):
        sim.result(second)
    broken[0] = False

    assert sim.result(sim.fork(second, at=5)) == 15
    assert keys[-1] == "5 f/5"


def test_every_turn_of_a_run_can_be_forked_and_comes_to_the_same_end(sim: Sim) -> None:
    broken[0] = False
    run = sim.start(five, id="f")
    assert sim.result(run) == 15

    for at in range(1, 6):
        keys.clear()
        assert sim.result(sim.fork(run, at=at)) == 15
        assert [key.split()[0] for key in keys] == [str(n) for n in range(at, 6)]


@pytest.mark.construct("people are asked again after a fork")
def test_a_timer_keeps_its_time_and_a_person_is_asked_again(sim: Sim) -> None:
    run = sim.start(asking, id="a")
    sim.run_until(run, "human.waiting")
    sim.approve(run, "go", answer="first")
    sim.advance(timedelta(minutes=30))

    fork = sim.fork(run, at=1)
    sim.approve(fork, "go", answer="second")
    began = sim.now

    assert sim.result(fork) == "second"
    assert sim.now - began == timedelta(minutes=30)
    assert sim.result(run) == "first"


def test_a_person_who_is_asked_again_too_late_gets_the_time_again(sim: Sim) -> None:
    run = sim.start(asking)
    assert sim.result(run) == "late"
    began = sim.now

    fork = sim.fork(run, at=1)

    assert sim.result(fork) == "late"
    assert sim.now - began == timedelta(days=1)


def test_what_cannot_be_forked_is_told(sim: Sim) -> None:
    run = sim.start(five, id="f")
    with pytest.raises(UsageError, match="has 0 applied turns; the event of turn 1 has come"):
        sim.fork(run, at=1)
    with pytest.raises(RunFailedError):
        sim.result(run)

    with pytest.raises(UsageError, match="has 6 applied turns; at=7: expected 1 to 6"):
        sim.fork(run, at=7)
    with pytest.raises(UsageError, match="at=0: expected 1 to 6"):
        sim.fork(run, at=0)
    with pytest.raises(UsageError, match="Turn 6 ended run f"):
        sim.fork(run, at=6)
    with pytest.raises(UsageError, match=r"fork\(keys='some'\): expected one of 'keep', 'new'"):
        sim.fork(run, at=5, keys="some")  # type: ignore[arg-type]


async def test_a_run_that_does_not_exist_cannot_be_forked(client: Client) -> None:
    with pytest.raises(UnknownRunError, match="no run 'x'"):
        await client.fork("x", at=1)


def test_the_same_fork_asked_for_twice_is_one_run(sim: Sim) -> None:
    run = sim.start(five, id="f")
    with pytest.raises(RunFailedError):
        sim.result(run)

    assert sim.fork(run, at=2, id="g").id == sim.fork(run, at=2, id="g").id
    with pytest.raises(RunExistsError, match="not this fork"):
        sim.fork(run, at=3, id="g")


@workflow.define
async def undoing() -> int:
    workflow.compensate(step, 7)
    workflow.compensate(step, 8)
    await workflow.roll_back()
    workflow.compensate(step, 9)
    kept = workflow.compensate(step, 10)
    kept.drop()
    await asyncio.sleep(60)
    return await step(5)


def test_compensations_of_a_fork_are_those_of_its_turn(sim: Sim) -> None:
    run = sim.start(undoing, id="u")
    with pytest.raises(RunFailedError):
        sim.result(run)
    assert [key.split()[0] for key in keys] == ["8", "7", "5", "9"]

    for at, expected in ((1, ["8", "7", "5", "9"]), (2, ["7", "5", "9"]), (3, ["5", "9"])):
        keys.clear()
        with pytest.raises(RunFailedError):
            sim.result(sim.fork(run, at=at))
        assert [key.split()[0] for key in keys] == expected
        assert keys[-1] == "9 u/5"


V1 = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def reserve() -> str: return "reserved"
@activity.define
async def check() -> str: return "fine"

@workflow.define
async def order() -> str:
    await reserve()
    await asyncio.sleep(60)
    return "shipped"
"""
BROKEN = V1.replace("    await asyncio.sleep(60)", "    await check()\n    await asyncio.sleep(60)")


@pytest.mark.construct("a blocked run is forked")
async def test_a_run_blocked_by_an_edit_goes_on_as_a_fork_before_the_edit(
    client: Client, clock: VirtualClock, module: Callable[[str, str], ModuleType]
) -> None:
    code = module("orders", V1)
    handle = await client.start(code.order, id="o")
    await Worker(client, workflows=[code.order], activities=[code.reserve]).run_until_idle()
    clock.advance(timedelta(seconds=61))
    code = module("orders", BROKEN)
    worker = Worker(client, workflows=[code.order], activities=[code.reserve, code.check])
    await worker.run_until_idle()
    assert (await handle.describe()).summary.verdict.code == "stuck.nondeterminism"

    fork = await handle.fork(at=1)
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=61))
    await worker.run_until_idle()

    assert await fork.result() == "shipped"
    assert (await handle.describe()).summary.status == "open"
    assert len((await handle.history()).turns) == 3


WORD = workflow.Signal("word", str)


@workflow.define
async def listening() -> list[str]:
    heard = [await WORD.receive()]
    await step(1)
    return [*heard, await WORD.receive()]


def say(tx: Tx, run_id: str, word: str) -> None:
    append_event(tx, run_id, "signal_received", {"name": "word", "payload": word, "message": word})


@pytest.mark.parametrize("signals", [True, False])
def test_signals_that_came_later_are_given_to_the_fork_unless_told_otherwise(
    sim: Sim, *, signals: bool
) -> None:
    run = sim.start(listening)
    sim._client.database.write_now(say, run.id, "one")
    sim._client.database.write_now(say, run.id, "two")
    assert sim.result(run) == ["one", "two"]

    fork = sim.fork(run, at=1, signals=signals)

    if signals:
        assert sim.result(fork) == ["one", "two"]
    else:
        sim._client.database.write_now(say, fork.id, "three")
        sim._client.database.write_now(say, fork.id, "four")
        assert sim.result(fork) == ["three", "four"]
