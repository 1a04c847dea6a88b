"""A run answers or refuses every update once, in order, and none is lost when it ends or continues."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.conftest import assert_every_cut_replays, served

from holdfast import ApplicationError, Client, Worker, activity, workflow
from holdfast.clock import VirtualClock
from holdfast.errors import MessageError, PayloadError, RunClosedError, UpdateRefusedError

add = workflow.Update("add", int, int)
untyped = workflow.Update("add", str, int)
stop = workflow.Signal("stop", str)


@activity.define
async def double(value: int) -> int:
    return value * 2


def positive(value: int) -> None:
    if value < 0:
        raise ValueError("negative")


@workflow.define
async def counter() -> int:
    total = 0

    @add.handle
    def answer(value: int) -> int:
        nonlocal total
        if value == 13:
            raise ApplicationError("thirteen is bad luck")
        if value == 99:
            raise KeyError("a bug")
        total += value
        return total

    add.handle(answer, check=positive)
    await stop.receive()
    return total


@workflow.define
async def late() -> int:
    await asyncio.sleep(60)
    got: list[int] = []

    @add.handle
    def answer(value: int) -> int:
        got.append(value)
        return len(got)

    await workflow.wait_until(lambda: bool(got), "a number has come")
    return got[0]


@workflow.define
async def slow() -> str:
    async def answer(value: int) -> int:
        found = await double(value)
        await asyncio.sleep(60)
        return found

    add.handle(answer)
    await stop.receive()
    return "done"


@workflow.define
async def slow_then_again(round_number: int) -> int:
    async def answer(value: int) -> int:
        await asyncio.sleep(60)
        return value + round_number

    if round_number == 1:
        add.handle(answer)
        await stop.receive()
        workflow.continue_as_new(2)
    await stop.receive()
    add.handle(lambda value: value * 100)
    await stop.receive()
    return round_number


@workflow.define
async def deaf() -> str:
    return await stop.receive()


ALL: list[workflow.Workflow[Any, Any]] = [counter, late, slow, slow_then_again, deaf]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL, activities=[double])


async def test_updates_are_answered_in_the_order_in_which_they_were_asked(
    client: Client, worker: Worker
) -> None:
    run = await client.start(counter)
    first = asyncio.ensure_future(run.update(add, 5, id="u1"))
    while len((await run.history()).turns) < 2:
        await asyncio.wait([first], timeout=0.01)
    second = run.update(add, 7, id="u2")

    assert [*await served(worker, asyncio.gather(first, second))] == [5, 12]
    await run.signal(stop, "now")
    assert await served(worker, run.result()) == 12
    await assert_every_cut_replays(run, counter)
    commands = [c for turn in (await run.history()).turns for c in turn.commands or ()]
    assert "test_updates.py" in commands[0].site
    assert "pytest" not in commands[0].site


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [(-1, "ValueError", "negative"), (13, "ApplicationError", "bad luck")],
)
@pytest.mark.construct("an update is validated before it is answered")
async def test_an_update_is_refused_by_its_check_or_by_its_handler(
    client: Client, worker: Worker, value: int, kind: str, reason: str
) -> None:
    run = await client.start(counter)

    with pytest.raises(UpdateRefusedError, match=reason) as refused:
        await served(worker, run.update(add, value))

    assert refused.value.type == kind
    assert await served(worker, run.update(add, 1)) == 1
    await assert_every_cut_replays(run, counter)


async def test_a_request_that_does_not_decode_is_refused_and_the_run_goes_on(
    client: Client, worker: Worker
) -> None:
    run = await client.start(counter)
    wrong: Any = add

    with pytest.raises(PayloadError, match="Update add"):
        await run.update(wrong, "five")
    with pytest.raises(UpdateRefusedError, match="Update add"):
        await served(worker, run.update(untyped, "five"))

    assert await served(worker, run.update(add, 5)) == 5


async def test_an_update_waits_for_a_handler_that_is_registered_late(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(late)
    with pytest.raises(TimeoutError):
        await run.update(add, 4, id="u", timeout=timedelta(milliseconds=1))
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=60))

    assert await served(worker, run.update(add, 4, id="u")) == 1
    assert await served(worker, run.result()) == 4
    await assert_every_cut_replays(run, late)


async def test_the_same_update_is_asked_once_and_other_content_is_refused(
    client: Client, worker: Worker
) -> None:
    run = await client.start(counter)

    assert await served(worker, run.update(add, 5, id="u")) == 5
    assert await served(worker, run.update(add, 5, id="u")) == 5
    with pytest.raises(MessageError, match="other content"):
        await run.update(add, 6, id="u")


async def test_a_run_that_ends_refuses_what_it_has_not_answered(
    client: Client, worker: Worker
) -> None:
    run = await client.start(deaf)
    asking = asyncio.ensure_future(run.update(add, 1))
    while len((await run.history()).turns) < 2:
        await asyncio.wait([asking], timeout=0.01)
    await run.signal(stop, "now")

    with pytest.raises(UpdateRefusedError, match="it ended before it answered"):
        await served(worker, asking)
    with pytest.raises(RunClosedError):
        await run.update(add, 1)


async def test_a_run_answers_what_its_handlers_have_taken_before_it_returns(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(slow)
    asking = asyncio.ensure_future(run.update(add, 4))
    while len((await run.history()).turns) < 2:
        await asyncio.wait([asking], timeout=0.01)
    await worker.run_until_idle()
    await run.signal(stop, "now")
    await worker.run_until_idle()
    assert (await run.describe()).summary.status == "open"
    clock.advance(timedelta(seconds=60))

    assert await served(worker, asking) == 8
    assert await served(worker, run.result()) == "done"
    await assert_every_cut_replays(run, slow)


async def test_a_run_answers_what_its_handlers_have_taken_before_it_continues_and_carries_the_rest(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(slow_then_again, 1, id="a")
    asking = asyncio.ensure_future(run.update(add, 4))
    while len((await run.history()).turns) < 2:
        await asyncio.wait([asking], timeout=0.01)
    await run.signal(stop, "one")
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=60))
    assert await served(worker, asking) == 5

    later = asyncio.ensure_future(run.update(add, 3))
    while len((await client.history("a~2")).turns) < 2:
        await asyncio.wait([later], timeout=0.01)
    await run.signal(stop, "two")
    assert await served(worker, later) == 300
    await run.signal(stop, "three")
    assert await served(worker, run.result()) == 2
    await assert_every_cut_replays(run, slow_then_again)
    await assert_every_cut_replays(client.get("a~2"), slow_then_again)


async def test_a_cancellation_reaches_a_run_that_answers_before_it_continues(
    client: Client, worker: Worker
) -> None:
    run = await client.start(slow_then_again, 1)
    asking = asyncio.ensure_future(run.update(add, 4))
    while len((await run.history()).turns) < 2:
        await asyncio.wait([asking], timeout=0.01)
    await run.signal(stop, "one")
    await worker.run_until_idle()
    await run.cancel(reason="enough")
    await worker.run_until_idle()

    assert (await run.describe()).summary.status == "cancelled"
    with pytest.raises(UpdateRefusedError, match="cancelled"):
        await asking


async def test_a_bug_in_a_handler_blocks_the_run_and_loses_nothing(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(counter)
    with pytest.raises(TimeoutError):
        await run.update(add, 99, id="u", timeout=timedelta(milliseconds=1))
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=5))
    await worker.run_until_idle()

    verdict = (await run.describe()).summary.verdict
    assert verdict.code == "stuck.workflow_bug"
    assert "a bug" in verdict.why


async def test_a_run_that_only_waits_for_updates_says_so(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(late)
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=60))
    await worker.run_until_idle()

    codes = {item.code for item in (await run.describe()).summary.verdict.items}
    assert codes == {"wait.update", "wait.condition"}


finish = workflow.Update("finish", str, str)


@workflow.define
async def until_told() -> str:
    told = asyncio.Event()

    async def answer(text: str) -> str:
        told.set()
        return text.upper()

    finish.handle(answer)
    await told.wait()
    return "told"


async def test_a_run_that_returns_as_its_handler_ends_does_not_spin(client: Client) -> None:
    worker = Worker(client, workflows=[until_told])
    run = await client.start(until_told)
    asked = asyncio.create_task(run.update(finish, "now"))
    reply = await served(worker, asked)

    assert reply == "NOW"
    assert await run.result() == "told"


@workflow.define
async def checked_later() -> None:
    async def later(_: int) -> None: ...

    add.handle(answer_nothing, check=later)


def answer_nothing(_: int) -> int:
    return 0


async def test_a_check_that_nobody_would_await_is_refused(client: Client) -> None:
    await client.start(checked_later, id="r")
    await Worker(client, workflows=[checked_later]).run_until_idle()

    error = (await client.describe("r")).evidence.error

    assert error["type"] == "ArgumentError"
    assert "an `async def` would not be awaited" in error["message"]
