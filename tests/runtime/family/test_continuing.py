"""A run that continues as new loses nothing on the way: messages, cancellations, values, limits."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.conftest import assert_every_cut_replays, served

from holdfast import Client, Worker, activity, workflow
from holdfast._core import execution
from holdfast.clock import VirtualClock
from holdfast.errors import MessageError, RunCancelledError, RunFailedError, RunTimedOutError

number = workflow.Signal("number", int)
go = workflow.Signal("go", str)


@activity.define
async def nothing() -> None:
    return None


@workflow.define
async def summing(total: int, rounds: int) -> int:
    total += await number.receive()
    if rounds > 1:
        workflow.continue_as_new(total, rounds - 1)
    return total


@workflow.define
async def jump() -> int:
    await go.receive()
    workflow.continue_as_new(3, 1, workflow=summing)


@workflow.define
async def in_a_group() -> int:
    async with asyncio.TaskGroup() as group:
        _resting = group.create_task(asyncio.sleep(3600))
        await go.receive()
        workflow.continue_as_new(0, 1, workflow=summing)


@workflow.define
async def from_a_task() -> None:
    async def inner() -> None:
        workflow.continue_as_new()

    await asyncio.create_task(inner())


@workflow.define
async def with_compensation(drop: int) -> int:
    if workflow.info().previous is None:
        step = workflow.compensate(nothing)
        if drop:
            step.drop()
        workflow.continue_as_new(drop)
    return 1


@workflow.define
async def swallows(rounds: int) -> None:
    try:
        await go.receive()
    except asyncio.CancelledError:
        if rounds > 1:
            workflow.continue_as_new(rounds - 1)
        raise


@workflow.define
async def growing(goal: int) -> list[bool]:
    seen = [workflow.info().continue_suggested]
    for _ in range(goal):
        workflow.publish("k", 1)
    return [*seen, workflow.info().continue_suggested]


ALL: list[workflow.Workflow[Any, Any]] = [
    summing, jump, in_a_group, from_a_task, with_compensation, swallows, growing,
]  # fmt: skip


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL, activities=[nothing])


@pytest.mark.construct("no signal is lost in a continuation")
async def test_every_signal_is_read_once_in_order_wherever_in_the_chain_it_came(
    client: Client, worker: Worker
) -> None:
    run = await client.start(summing, 0, 4, id="a")
    for value in (1, 10, 100):
        await run.signal(number, value, message=f"m{value}")
    await worker.run_until_idle()
    assert not await run.signal(number, 1, message="m1")
    with pytest.raises(MessageError):
        await client.signal("a~2", number, 2, message="m1")
    assert await client.signal("a", number, 1000)

    assert await served(worker, run.result()) == 1111
    chain = ["a", "a~2", "a~3", "a~4"]
    for run_id in chain:
        await assert_every_cut_replays(client.get(run_id), summing)
    described = [await client.describe(run_id) for run_id in chain]
    assert [detail.continued_to for detail in described] == ["a~2", "a~3", "a~4", None]
    assert [detail.previous for detail in described] == [None, "a", "a~2", "a~3"]
    assert described[0].summary.status == "continued"


async def test_an_id_of_the_chain_that_is_taken_is_passed_over(
    client: Client, worker: Worker
) -> None:
    await client.start(summing, 5, 1, id="a~2")
    run = await client.start(summing, 0, 2, id="a")
    await run.signal(number, 1)
    await run.signal(number, 2)

    assert await served(worker, run.result()) == 3
    assert (await run.describe()).continued_to == "a~3"


@pytest.mark.parametrize("flow", [jump, in_a_group])
@pytest.mark.construct("workflow.continue_as_new(workflow=)")
async def test_another_workflow_may_go_on(client: Client, worker: Worker, flow: Any) -> None:
    run = await client.start(flow)
    await worker.run_until_idle()
    await run.signal(number, 4)
    await run.signal(go, "on")

    assert await served(worker, run.result()) == (7 if flow is jump else 4)
    await assert_every_cut_replays(run, flow)


async def test_only_the_task_of_the_workflow_continues(client: Client, worker: Worker) -> None:
    run = await client.start(from_a_task)
    await worker.run_until_idle()

    assert "only the workflow function's own task" in (await run.describe()).summary.verdict.why


@pytest.mark.construct("open compensations at a continuation")
async def test_open_compensations_are_not_dropped_silently(client: Client, worker: Worker) -> None:
    run = await client.start(with_compensation, 0)
    await worker.run_until_idle()
    why = (await run.describe()).summary.verdict.why
    assert "would lose the compensations of this run: nothing" in why

    free = await client.start(with_compensation, 1)
    assert await served(worker, free.result()) == 1


async def test_a_cancellation_that_the_old_run_has_not_seen_reaches_the_new_one(
    client: Client, worker: Worker
) -> None:
    run = await client.start(jump, id="a")
    await run.signal(go, "on")
    await run.cancel(reason="both came before the worker did")
    await worker.run_until_idle()

    with pytest.raises(RunCancelledError):
        await run.result()


async def test_a_cancellation_that_the_old_run_answered_does_not_hide_the_next_one(
    client: Client, worker: Worker
) -> None:
    run = await client.start(swallows, 2, id="a")
    await worker.run_until_idle()
    await client.cancel("a")
    await worker.run_until_idle()
    assert (await client.describe("a~2")).summary.status == "open"
    await client.cancel("a~2")
    await worker.run_until_idle()

    with pytest.raises(RunCancelledError):
        await run.result()


async def test_the_time_limit_holds_for_the_whole_chain(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(summing, 0, 3, timeout=timedelta(minutes=2))
    await run.signal(number, 1)
    clock.advance(timedelta(minutes=1))
    await worker.run_until_idle()
    clock.advance(timedelta(minutes=1))
    await worker.run_until_idle()

    with pytest.raises(RunTimedOutError):
        await run.result()


@pytest.mark.construct("a continuation is suggested when the history grows", "size of a history")
async def test_a_long_history_is_told_and_in_the_end_refused(
    client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "MAX_RECORDS", 30)
    monkeypatch.setattr("holdfast.workflow.SUGGESTED_RECORDS", 10)
    assert await served(worker, (await client.start(growing, 5)).result()) == [False, False]
    assert await served(worker, (await client.start(growing, 15)).result()) == [False, True]

    with pytest.raises(RunFailedError, match="which is the limit"):
        await served(worker, (await client.start(growing, 40)).result())
