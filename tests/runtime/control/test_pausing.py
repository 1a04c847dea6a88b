"""A paused run is held, not stopped: what happens to it is recorded, and applied when it is resumed."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType

import pytest

from holdfast import Client, Worker, activity, workflow
from holdfast.clock import VirtualClock
from holdfast.errors import ArgumentError, RunCancelledError, RunTerminatedError, UsageError
from holdfast_testkit import Sim


@activity.define
async def work(number: int) -> int:
    return number


@workflow.define
async def steps() -> int:
    total = await work(1)
    await asyncio.sleep(60)
    total += await work(2)
    if await workflow.approval("go", ask="Go on?", to=["ops"], answer=bool):
        total += await work(3)
    return total


@pytest.fixture
def sim() -> Iterator[Sim]:
    with Sim() as made:
        made.real(work)
        yield made


@pytest.mark.construct("Client.pause", "Client.describe")
def test_a_paused_run_says_who_paused_it_when_and_why(sim: Sim) -> None:
    run = sim.start(steps, id="s")
    sim.run_until(run, "wait.timer")

    sim.pause(run, by="ana", reason="bad data from import")
    sim.advance(timedelta(hours=3))

    verdict = sim.describe(run).summary.verdict
    assert (verdict.code, verdict.family.value) == ("human.paused", "person")
    assert verdict.why == (
        "Paused by ana 3 h ago: bad data from import. 1 event wait to be applied."
    )
    assert (
        sim.describe(run).evidence.done_turn == 2
    )  # the timer has fired, and nobody has applied it


@pytest.mark.construct("Client.resume")
def test_a_resumed_run_applies_what_has_come_and_goes_on(sim: Sim) -> None:
    run = sim.start(steps)
    sim.run_until(run, "human.waiting")
    sim.pause(run)

    sim.approve(run, "go", answer=True)
    sim.advance(timedelta(hours=1))
    held = sim.describe(run).evidence
    sim.resume(run)

    assert held.inbound_count == held.done_turn + 1
    assert sim.result(run) == 6


def test_nothing_is_due_for_a_paused_run(sim: Sim) -> None:
    run = sim.start(steps)
    sim.pause(run)

    assert sim._next_due() is None
    sim.advance(timedelta(days=1))
    assert sim.describe(run).evidence.done_turn == 0


@pytest.mark.construct("a paused run begins nothing")
async def test_an_activity_of_a_paused_run_is_not_begun(client: Client) -> None:
    handle = await client.start(steps)
    await Worker(client, workflows=[steps]).run_until_idle()
    await handle.pause(by="ana")

    await Worker(client, activities=[work]).run_until_idle()
    assert (await handle.describe()).activities[0].attempt == 0

    await handle.resume()
    await Worker(client, activities=[work]).run_until_idle()
    assert (await handle.describe()).activities[0].state == "completed"


async def test_an_attempt_that_runs_while_its_run_is_paused_ends_and_is_recorded(
    client: Client,
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @activity.define(name="work")
    async def slow(number: int) -> int:
        begun.set()
        await go.wait()
        return number

    handle = await client.start(steps)
    working = asyncio.create_task(
        Worker(client, workflows=[steps], activities=[slow]).run_until_idle()
    )
    await begun.wait()
    await handle.pause(by="ana")
    go.set()
    await working

    detail = await handle.describe()
    assert detail.activities[0].state == "completed"
    assert (detail.evidence.inbound_count, detail.evidence.done_turn) == (2, 1)


def test_pausing_twice_and_resuming_what_runs_are_told(sim: Sim) -> None:
    run = sim.start(steps, id="s")

    with pytest.raises(UsageError, match="Run s is not paused"):
        sim.resume(run)
    sim.pause(run, by="ana")
    with pytest.raises(UsageError, match=r"paused by ana already.*holdfast resume s"):
        sim.pause(run, by="bob")
    with pytest.raises(ArgumentError, match="who it was"):
        sim.pause(run, by=" ")


def test_a_cancel_request_to_a_paused_run_is_applied_when_it_is_resumed(sim: Sim) -> None:
    run = sim.start(steps)
    sim.run_until(run, "wait.timer")
    sim.pause(run)

    sim.cancel(run)
    sim.advance(timedelta(minutes=5))
    held = sim.describe(run).summary
    sim.resume(run)

    assert (held.status, held.verdict.code) == ("open", "human.paused")
    with pytest.raises(RunCancelledError):
        sim.result(run)


def test_a_paused_run_can_be_terminated_at_once(sim: Sim) -> None:
    run = sim.start(steps)
    sim.run_until(run, "wait.timer")
    sim.pause(run)

    sim.terminate(run, reason="enough")

    with pytest.raises(RunTerminatedError):
        sim.result(run)


UNDO = """
import asyncio
from holdfast import activity, workflow

done = []

@activity.define
async def undo(what: str) -> None: done.append(what)

@activity.define
async def other() -> None: ...

@workflow.define
async def flow() -> str:
    workflow.compensate(undo, "a")
    await asyncio.sleep(60)
    return "done"
"""
BROKEN = UNDO.replace(
    "    workflow.compensate(undo", "    await other()\n    workflow.compensate(undo"
)


async def blocked(client: Client, clock: VirtualClock, load: Callable[[str, str], ModuleType]):  # type: ignore[no-untyped-def]
    code = load("undoing", UNDO)
    handle = await client.start(code.flow, id="b")
    await Worker(client, workflows=[code.flow], activities=[code.undo]).run_until_idle()
    clock.advance(timedelta(seconds=61))
    code = load("undoing", BROKEN)
    worker = Worker(client, workflows=[code.flow], activities=[code.undo, code.other])
    await worker.run_until_idle()
    assert (await handle.describe()).summary.verdict.code == "stuck.nondeterminism"
    return handle, worker, code


async def test_a_blocked_run_is_cancelled_and_undone_without_its_code(
    client: Client, clock: VirtualClock, module: Callable[[str, str], ModuleType]
) -> None:
    handle, worker, code = await blocked(client, clock, module)

    await handle.cancel(reason="give up")
    await worker.run_until_idle()

    assert code.done == ["a"]
    with pytest.raises(RunCancelledError):
        await handle.result()


async def test_a_blocked_run_is_terminated_and_undone_without_its_code(
    client: Client, clock: VirtualClock, module: Callable[[str, str], ModuleType]
) -> None:
    handle, worker, code = await blocked(client, clock, module)
    await handle.pause(by="ana")

    await handle.terminate(reason="give up")
    await worker.run_until_idle()

    assert code.done == ["a"]
    assert len((await handle.history()).turns) == 2
    with pytest.raises(RunTerminatedError):
        await handle.result()


async def test_a_blocked_run_that_was_cancelled_while_paused_ends_when_it_is_resumed(
    client: Client, clock: VirtualClock, module: Callable[[str, str], ModuleType]
) -> None:
    handle, worker, code = await blocked(client, clock, module)
    await handle.pause(by="ana")
    await handle.cancel()
    await worker.run_until_idle()
    assert code.done == []

    await handle.resume()
    await worker.run_until_idle()

    assert code.done == ["a"]
    with pytest.raises(RunCancelledError):
        await handle.result()
