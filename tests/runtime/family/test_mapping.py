"""`map` keeps the order of its inputs and the limit of what runs at once, and stops when it is settled."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.conftest import assert_every_cut_replays, served

from holdfast import ActivityError, ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast.clock import VirtualClock
from holdfast.errors import RunCancelledError, RunFailedError
from holdfast.history import ScheduleActivity


@activity.define(retry=Retry(max_attempts=1))
async def shout(text: str) -> str:
    if text.startswith("bad"):
        raise ApplicationError(f"{text} is bad", non_retryable=True)
    return text.upper()


class Refusal(Exception):  # noqa: N818 - a decision, not an error
    """Fail a run by the workflow's own choice."""


@workflow.define
async def child(text: str) -> str:
    return await shout(text)


@workflow.define
async def over_activities(texts: list[str], limit: int | None) -> list[str]:
    return await workflow.map(shout, texts, limit=limit)


@workflow.define
async def over_children(texts: list[str], limit: int | None) -> list[str]:
    return await workflow.map(child, texts, limit=limit)


@workflow.define(fails_on=(Refusal,))
async def settled(texts: list[str], need: int | None, tolerate: int | None) -> list[str]:
    async def one(text: str) -> str:
        if text == "refuse":
            raise Refusal
        if text == "slow":
            await asyncio.sleep(3600)
        return await shout(text)

    outcomes = await workflow.map_settled(one, texts, limit=2, need=need, tolerate=tolerate)
    return [outcome.value or outcome.state for outcome in outcomes]


async def fail_after(name: str) -> None:
    try:
        await asyncio.sleep({"slow": 2, "quick": 1}[name])
        raise ApplicationError(f"{name} failed")
    except asyncio.CancelledError:
        raise ApplicationError(f"{name} failed as it was cancelled") from None


@workflow.define
async def in_time() -> None:
    await workflow.map(fail_after, ["slow", "quick"])


@workflow.define
async def tolerant_in_time() -> None:
    await workflow.map_settled(fail_after, ["slow", "quick"], tolerate=0)


ALL: list[workflow.Workflow[Any, Any]] = [child, over_activities, over_children, settled]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL, activities=[shout])


@pytest.mark.parametrize("flow", [over_activities, over_children])
@pytest.mark.parametrize("limit", [None, 1, 2, 50])
async def test_results_come_in_the_order_of_the_inputs(
    client: Client, worker: Worker, flow: Any, limit: int | None
) -> None:
    texts = ["a", "b", "c", "d", "e"]
    run = await client.start(flow, texts, limit)

    assert await served(worker, run.result()) == ["A", "B", "C", "D", "E"]
    first = (await run.history()).turns[0].commands or ()
    assert len(first) == min(limit or 5, 5)
    await assert_every_cut_replays(run, flow)


@pytest.mark.parametrize("flow", [over_activities, over_children])
async def test_no_inputs_give_no_results(client: Client, worker: Worker, flow: Any) -> None:
    assert await served(worker, (await client.start(flow, [], None)).result()) == []


async def test_the_first_failure_takes_back_what_still_runs(client: Client, worker: Worker) -> None:
    run = await client.start(over_children, ["bad", "b", "c", "d"], 2)
    await Worker(client, workflows=ALL).run_until_idle()  # the children have begun, no activity has
    one = Worker(client, activities=[shout], slots=1)
    await one.run_until_idle()

    with pytest.raises(RunFailedError, match="bad is bad"):
        await served(worker, run.result())
    assert len((await run.describe()).children) <= 3
    assert issubclass(ActivityError, Exception)


@pytest.mark.parametrize("flow", [in_time, tolerant_in_time])
async def test_the_failure_that_is_told_is_the_first_that_happened(
    client: Client, clock: VirtualClock, flow: Any
) -> None:
    worker = Worker(client, workflows=[flow])
    run = await client.start(flow)
    await worker.run_until_idle()
    clock.advance(
        timedelta(seconds=2)
    )  # both timers are due, and the later one has the lower index

    with pytest.raises(RunFailedError, match="quick failed"):
        await served(worker, run.result())
    await assert_every_cut_replays(run, flow)


async def test_a_limit_of_nothing_is_refused(client: Client, worker: Worker) -> None:
    run = await client.start(over_activities, ["a"], 0)
    await worker.run_until_idle()

    assert (
        "workflow.map(limit=0): expected a whole number, 1 or more, or None."
        in (await run.describe()).summary.verdict.why
    )


@pytest.mark.construct("workflow.map_settled(need=)", "workflow.map_settled(limit=)")
async def test_what_is_not_needed_any_more_is_cancelled_or_skipped(
    client: Client, worker: Worker
) -> None:
    run = await client.start(settled, ["slow", "b", "c", "d"], 2, None)

    assert await served(worker, run.result()) == ["skipped", "B", "C", "skipped"]
    commands = [c for turn in (await run.history()).turns for c in turn.commands or ()]
    assert [c.args for c in commands if isinstance(c, ScheduleActivity)] == [["b"], ["c"]]
    await assert_every_cut_replays(run, settled)


@pytest.mark.construct("workflow.map_settled(tolerate=)")
async def test_failures_are_outcomes_those_of_the_workflow_itself_too(
    client: Client, worker: Worker
) -> None:
    run = await client.start(settled, ["bad", "b", "refuse"], None, 2)
    assert await served(worker, run.result()) == ["failed", "B", "failed"]

    strict = await client.start(settled, ["bad", "b", "bad2"], None, 1)
    with pytest.raises(RunFailedError, match="2 of 3 inputs failed and 1 may"):
        await served(worker, strict.result())


@pytest.mark.parametrize("need", [0, 4])
async def test_a_need_that_cannot_be_met_is_refused(
    client: Client, worker: Worker, need: int
) -> None:
    run = await client.start(settled, ["a", "b", "c"], need, None)
    await worker.run_until_idle()

    assert "expected 1 to 3" in (await run.describe()).summary.verdict.why


async def test_a_cancelled_map_cancels_its_children(client: Client) -> None:
    run = await client.start(over_children, ["a", "b", "c"], None)
    no_activities = Worker(client, workflows=ALL)
    await no_activities.run_until_idle()
    await run.cancel()

    with pytest.raises(RunCancelledError):
        await served(no_activities, run.result())
    await no_activities.run_until_idle()
    assert len((await run.describe()).children) == 3
    for name in (await run.describe()).children:
        assert (await client.describe(name)).summary.status == "cancelled"
    await assert_every_cut_replays(run, over_children)
