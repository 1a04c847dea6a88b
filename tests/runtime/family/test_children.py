"""A child runs by itself, tells its parent once how it ended, and ends with it as was said at its start."""

import asyncio
from datetime import timedelta
from typing import Any, Literal

import pytest
from tests.runtime.conftest import assert_every_cut_replays, served

from holdfast import ApplicationError, Client, Worker, workflow
from holdfast.clock import VirtualClock
from holdfast.errors import ArgumentError, ChildError, RunCancelledError, RunFailedError

word = workflow.Signal("word", str)


@workflow.define
async def echo(text: str) -> str:
    if text == "fail":
        raise ApplicationError("no", details={"code": 7})
    return text


@workflow.define
async def listener() -> str:
    return await word.receive()


@workflow.define
async def stubborn() -> str:
    try:
        return await word.receive()
    except asyncio.CancelledError:
        await asyncio.sleep(10)
        raise


@workflow.define
async def ask(text: str) -> str:
    return await workflow.run_child(echo, text)


@workflow.define
async def grandparent(text: str) -> str:
    return await workflow.run_child(ask, text)


@workflow.define
async def signalling() -> str:
    child = workflow.start_child(listener)
    await child.signal(word, "to my child")
    return await child.result()


@workflow.define
async def of_listener(id: str | None, on_close: Literal["cancel", "terminate", "abandon"]) -> str:  # noqa: A002
    child = workflow.start_child(listener, id=id, on_close=on_close)
    done = asyncio.create_task(child.result())
    first = asyncio.create_task(word.receive())
    await asyncio.wait({done, first}, return_when=asyncio.FIRST_COMPLETED)
    return first.result() if first.done() else await done


@workflow.define
async def told() -> list[str]:
    child = workflow.start_child(listener, id="kid", timeout=timedelta(minutes=1))
    try:
        return [await child.result()]
    except ChildError as error:
        return [error.status, error.type, error.child]


@workflow.define
async def cancels_and_waits() -> str:
    child = workflow.start_child(stubborn, id="kid")
    await asyncio.sleep(1)
    child.cancel()
    try:
        return await child.result()
    except ChildError as error:
        return error.status


@workflow.define
async def waits(on_cancel: Literal["cancel", "wait", "abandon"]) -> str:
    child = workflow.start_child(stubborn, id="kid", on_cancel=on_cancel, on_close="abandon")
    return await child.result()


@workflow.define
async def elsewhere() -> str:
    return await workflow.run_child(echo, "far", queue="other")


@workflow.define
async def bad_child(id: str) -> str:  # noqa: A002
    return await workflow.run_child(echo, "x", id=id)


@workflow.define
async def rounds(left: int) -> str:
    if left:
        await word.receive()
        workflow.continue_as_new(left - 1)
    return "chain ended"


@workflow.define
async def of_rounds() -> str:
    return await workflow.run_child(rounds, 2, id="chain")


@workflow.define
async def many(count: int) -> int:
    return sum(len(text) for text in await workflow.map(echo, ["x"] * count, limit=7))


ALL: list[workflow.Workflow[Any, Any]] = [
    echo, listener, stubborn, ask, grandparent, signalling, of_listener, told, cancels_and_waits, waits, elsewhere,
    bad_child, rounds, of_rounds, many,
]  # fmt: skip


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL)


async def test_a_result_comes_back_through_two_generations(client: Client, worker: Worker) -> None:
    run = await client.start(grandparent, "hello", id="g")

    assert await served(worker, run.result()) == "hello"
    assert (await run.describe()).children == ("g.1",)
    assert (await client.describe("g.1.1")).parent == "g.1"
    await assert_every_cut_replays(run, grandparent)


async def test_a_failure_of_a_child_fails_its_parents_and_says_why(
    client: Client, worker: Worker
) -> None:
    run = await client.start(grandparent, "fail", id="g")

    with pytest.raises(RunFailedError, match=r"Child g.1 of ask failed.*Child g.1.1 of echo.*no"):
        await served(worker, run.result())


@pytest.mark.parametrize("ending", ["cancelled", "terminated", "timed_out"])
@pytest.mark.construct("workflow.start_child(timeout=)")
async def test_a_parent_is_told_how_its_child_ended(
    client: Client, worker: Worker, clock: VirtualClock, ending: str
) -> None:
    run = await client.start(told)
    await worker.run_until_idle()
    if ending == "cancelled":
        await client.cancel("kid")
    elif ending == "terminated":
        await client.terminate("kid", reason="test")
    else:
        clock.advance(timedelta(minutes=1))

    status, kind, child = await served(worker, run.result())
    assert (status, child) == (ending, "kid")
    assert kind.startswith("Run")
    await assert_every_cut_replays(run, told)


@pytest.mark.construct("workflow.start_child(id=)")
async def test_an_id_that_is_taken_is_a_child_that_did_not_start(
    client: Client, worker: Worker
) -> None:
    await client.start(listener, id="kid")
    run = await client.start(told)

    assert await served(worker, run.result()) == ["not started", "RunExistsError", "kid"]


@pytest.mark.parametrize("wrong", ["", "a/b", "a?b", "x" * 201])
async def test_an_id_that_no_run_may_have_is_refused_at_its_line(
    client: Client, worker: Worker, wrong: str
) -> None:
    run = await client.start(bad_child, wrong)
    await worker.run_until_idle()

    assert "cannot be a run id" in (await run.describe()).summary.verdict.why
    assert len(await client.list()) == 1
    assert issubclass(ArgumentError, Exception)


@pytest.mark.parametrize(
    ("on_close", "status"),
    [("cancel", "cancelled"), ("terminate", "terminated"), ("abandon", "open")],
)
@pytest.mark.construct(
    "a child outlives its parent or not, as was said", "workflow.start_child(on_close=)"
)
async def test_the_end_of_a_parent_does_with_its_child_what_was_said(
    client: Client, worker: Worker, on_close: Any, status: str
) -> None:
    run = await client.start(of_listener, "kid", on_close)
    await worker.run_until_idle()
    await run.signal(word, "enough")

    assert await served(worker, run.result()) == "enough"
    await worker.run_until_idle()
    assert (await client.describe("kid")).summary.status == status
    await assert_every_cut_replays(run, of_listener)


@pytest.mark.parametrize(
    ("on_cancel", "waits_for_it", "status"),
    [("cancel", False, "cancelled"), ("wait", True, "cancelled"), ("abandon", False, "open")],
)
@pytest.mark.construct("workflow.start_child(on_cancel=)")
async def test_a_cancelled_parent_does_with_its_child_what_was_said(
    client: Client, worker: Worker, clock: VirtualClock, on_cancel: Any, waits_for_it: bool, status: str  # noqa: FBT001
) -> None:  # fmt: skip
    run = await client.start(waits, on_cancel)
    await worker.run_until_idle()
    await run.cancel()
    await worker.run_until_idle()
    assert ((await run.describe()).summary.status == "open") is waits_for_it
    clock.advance(timedelta(seconds=10))
    await worker.run_until_idle()

    with pytest.raises(RunCancelledError):
        await run.result()
    assert (await client.describe("kid")).summary.status == status
    await assert_every_cut_replays(run, waits)


async def test_a_child_that_is_cancelled_by_its_parent_still_tells_when_it_has_ended(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(cancels_and_waits)
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=1))
    await worker.run_until_idle()
    assert (await run.describe()).summary.verdict.code == "wait.child"
    clock.advance(timedelta(seconds=10))

    assert await served(worker, run.result()) == "cancelled"
    await assert_every_cut_replays(run, cancels_and_waits)


async def test_a_parent_signals_its_child(client: Client, worker: Worker) -> None:
    run = await client.start(signalling)

    assert await served(worker, run.result()) == "to my child"
    await assert_every_cut_replays(run, signalling)


@pytest.mark.construct("workflow.start_child(queue=)")
async def test_a_child_on_another_queue_waits_for_the_workers_of_that_queue(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(elsewhere)
    await worker.run_until_idle()
    clock.advance(timedelta(minutes=2))
    assert (await run.describe()).summary.verdict.code == "stuck.no_worker"
    await Worker(client, workflows=[echo], queue="other").run_until_idle()

    assert await served(worker, run.result()) == "far"


async def test_the_result_of_a_child_is_that_of_its_last_continuation(
    client: Client, worker: Worker
) -> None:
    run = await client.start(of_rounds)
    await worker.run_until_idle()
    await client.signal("chain", word, "on")
    await worker.run_until_idle()
    verdict = (await run.describe()).summary.verdict
    assert verdict.code == "wait.child"
    assert "signal 'word'" in verdict.why
    await client.signal("chain", word, "on")

    assert await served(worker, run.result()) == "chain ended"
    assert (await client.describe("chain~3")).summary.status == "completed"
    await assert_every_cut_replays(run, of_rounds)


@pytest.mark.construct("children limited in number", "workflow.map(limit=)")
async def test_a_hundred_children_are_started_few_at_a_time(client: Client, worker: Worker) -> None:
    run = await client.start(many, 100)
    assert await served(worker, run.result()) == 100

    open_now = most = 0
    for turn in (await run.history()).turns:
        open_now -= turn.event.kind == "child_completed"
        open_now += sum(c.kind == "start_child" for c in turn.commands or ())
        most = max(most, open_now)
    assert most == 7


async def test_health_of_a_parent_is_that_of_the_run_that_holds_it(
    client: Client, worker: Worker
) -> None:
    run = await client.start(grandparent, "x", id="g")
    only_parents = Worker(client, workflows=[grandparent, ask])
    await only_parents.run_until_idle()
    await client.pause("g.1.1", by="ann", reason="wait for me")

    verdict = (await run.describe()).summary.verdict
    assert verdict.code == "human.paused"
    assert "ann" in verdict.why


async def test_a_fork_of_a_parent_gets_the_result_of_its_child(
    client: Client, worker: Worker
) -> None:
    run = await client.start(of_listener, "kid", "abandon")
    await worker.run_until_idle()
    fork = await run.fork(at=1, id="f")
    await client.signal("kid", word, "both")

    assert await served(worker, run.result()) == "both"
    assert await served(worker, fork.result()) == "both"
