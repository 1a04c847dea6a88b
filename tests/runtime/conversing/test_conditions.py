"""`wait_until` follows the state of the workflow, costs nothing when it holds, and never hides that nothing can come."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.conftest import assert_every_cut_replays, served

from holdfast import Client, Worker, activity, workflow
from holdfast.clock import VirtualClock

tick = workflow.Signal("tick", str)
ping = workflow.Update("ping", str, str)


@activity.define
async def upper(text: str) -> str:
    return text.upper()


@workflow.define
async def at_once() -> str:
    await workflow.wait_until(lambda: True, "it is true", timeout=timedelta(minutes=1))
    return "held"


@workflow.define
async def woken(by: str) -> list[str]:
    seen: list[str] = []

    async def listen() -> None:
        if by == "signal":
            seen.append(await tick.receive())
        elif by == "activity":
            seen.append(await upper("activity"))
        else:
            await asyncio.sleep(0)
            seen.append("task")

    if by == "update":

        @ping.handle
        def answer(text: str) -> str:
            seen.append(text)
            return text
    else:
        listening = asyncio.create_task(listen())
        assert not listening.done()
    await workflow.wait_until(lambda: bool(seen), "somebody has spoken", timeout=timedelta(hours=1))
    return seen


@workflow.define
async def never(limit: int | None) -> str:
    try:
        await workflow.wait_until(
            lambda: False,
            "pigs fly",
            timeout=None if limit is None else timedelta(seconds=limit),
        )
    except TimeoutError:
        return "they do not"
    return "they do"


@workflow.define
async def broken() -> None:
    await workflow.wait_until(lambda: 1 / 0 > 0, "division works")


@workflow.define
async def meddling(seconds: int) -> None:
    def publishes() -> bool:
        workflow.publish("k", 1)
        return True

    limit = timedelta(seconds=seconds) if seconds else None
    await workflow.wait_until(publishes, "a value is out", timeout=limit)


@workflow.define
async def event_and_child() -> None:
    workflow.start_child(never, None, on_close="abandon")
    await asyncio.Event().wait()


ALL: list[workflow.Workflow[Any, Any]] = [at_once, woken, never, broken, meddling, event_and_child]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL, activities=[upper])


async def test_a_condition_that_holds_costs_no_timer(client: Client, worker: Worker) -> None:
    run = await client.start(at_once)

    assert await served(worker, run.result()) == "held"
    kinds = [c.kind for turn in (await run.history()).turns for c in turn.commands or ()]
    assert kinds == ["complete_run"]


@pytest.mark.parametrize("by", ["signal", "activity", "update", "task"])
async def test_whatever_changes_the_state_wakes_the_condition(
    client: Client, worker: Worker, by: str
) -> None:
    run = await client.start(woken, by)
    await worker.run_until_idle()
    if by == "signal":
        await run.signal(tick, "x")
    if by == "update":
        assert await served(worker, run.update(ping, "y")) == "y"

    expected = {"signal": "x", "activity": "ACTIVITY", "update": "y", "task": "task"}[by]
    assert await served(worker, run.result()) == [expected]
    await assert_every_cut_replays(run, woken)


@pytest.mark.construct("workflow.wait_until(timeout=)")
async def test_time_that_is_up_ends_the_wait(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(never, 60)
    await worker.run_until_idle()
    items = {item.code: item for item in (await run.describe()).summary.verdict.items}
    assert "pigs fly" in items["wait.condition"].why
    assert items["wait.condition"].next_at == clock.now_ms + 60_000
    clock.advance(timedelta(minutes=1))

    assert await served(worker, run.result()) == "they do not"
    await assert_every_cut_replays(run, never)


async def test_a_condition_that_nothing_can_change_is_stuck(client: Client, worker: Worker) -> None:
    run = await client.start(never, None)
    await worker.run_until_idle()

    verdict = (await run.describe()).summary.verdict
    assert verdict.code == "stuck.unsatisfiable"
    assert "pigs fly" in verdict.why


async def test_a_child_that_nobody_awaits_moves_nothing(client: Client, worker: Worker) -> None:
    run = await client.start(event_and_child)
    await worker.run_until_idle()

    assert (await run.describe()).summary.verdict.code == "stuck.unsatisfiable"


async def test_a_predicate_that_raises_is_a_bug_of_the_workflow(
    client: Client, worker: Worker
) -> None:
    run = await client.start(broken)
    await worker.run_until_idle()

    assert "ZeroDivisionError" in (await run.describe()).summary.verdict.why


@pytest.mark.parametrize("seconds", [0, 9])
async def test_a_predicate_that_does_something_is_refused(
    client: Client, worker: Worker, seconds: int
) -> None:
    run = await client.start(meddling, seconds)
    await worker.run_until_idle()

    assert "may only look at what is there" in (await run.describe()).summary.verdict.why
