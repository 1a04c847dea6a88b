"""Signals reach a run once, in order, whatever it is doing, and survive crashes and continuations."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from holdfast import Client, Worker, activity, workflow
from holdfast.clock import VirtualClock
from holdfast.errors import (
    ForbiddenCallError,
    MessageError,
    PayloadError,
    RunClosedError,
    RunFailedError,
    SignalError,
    UnknownRunError,
)
from holdfast.replay import replay


@dataclass(frozen=True)
class Payment:
    amount: int
    currency: str = "EUR"


paid = workflow.Signal("paid", Payment)
note = workflow.Signal("note", str)


@activity.define
async def record(text: str) -> str:
    return text.upper()


@workflow.define
async def collect(count: int) -> list[int]:
    return [(await paid.receive()).amount for _ in range(count)]


@workflow.define
async def busy_first() -> list[str]:
    await asyncio.sleep(60)
    return [await note.receive(), await note.receive()]


@workflow.define
async def with_limit() -> str:
    try:
        return await note.receive(timeout=timedelta(minutes=1))
    except TimeoutError:
        return "nobody wrote"


@workflow.define
async def late_reader() -> str:
    await asyncio.sleep(1)
    return await note.receive(timeout=timedelta(minutes=1))


@workflow.define
async def impatient() -> str:
    return await note.receive(timeout=timedelta(minutes=1))


@workflow.define
async def tell(target: str) -> str:
    await note.send(target, "from another run")
    return "sent"


@workflow.define
async def race() -> list[str]:
    async def first() -> str:
        return "first " + await note.receive()

    async def second() -> str:
        return "second " + await note.receive()

    tasks = [asyncio.create_task(first()), asyncio.create_task(second())]
    await asyncio.sleep(1)
    tasks[0].cancel()
    return [await tasks[1]]


@workflow.define
async def latest() -> list[str]:
    await asyncio.sleep(1)
    seen: list[str] = []
    while (message := note.receive_now()) is not None:
        seen.append(message[0])
    return seen


@workflow.define
async def stream() -> list[str]:
    seen: list[str] = []
    async for text in note:
        seen.append(await record(text))
        if len(seen) == 2:
            break
    return seen


ALL: list[workflow.Workflow[Any, Any]] = [
    collect,
    busy_first,
    with_limit,
    late_reader,
    impatient,
    tell,
    race,
    latest,
    stream,
]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=ALL, activities=[record])


@pytest.mark.construct("workflow.Signal", "workflow.Signal.receive", "Client.signal")
async def test_signals_come_in_the_order_in_which_they_were_sent(
    client: Client, worker: Worker
) -> None:
    run = await client.start(collect, 3)
    for amount in (5, 7, 11):
        assert await run.signal(paid, Payment(amount))
        await worker.run_until_idle()

    assert await run.result() == [5, 7, 11]


@pytest.mark.construct("a signal waits until code takes it")
async def test_signals_wait_until_code_takes_them(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(busy_first)
    await worker.run_until_idle()
    await run.signal(note, "one")
    await run.signal(note, "two")
    clock.advance(timedelta(minutes=1))
    await worker.run_until_idle()

    assert await run.result() == ["one", "two"]


@pytest.mark.construct("a message counts once by its id")
async def test_the_same_message_counts_once_and_other_content_under_its_id_is_refused(
    client: Client, worker: Worker
) -> None:
    run = await client.start(collect, 2)
    assert await run.signal(paid, Payment(1), message="m1")
    await worker.run_until_idle()
    assert not await run.signal(paid, Payment(1), message="m1")
    with pytest.raises(MessageError, match="with other content"):
        await run.signal(paid, Payment(2), message="m1")
    await run.signal(paid, Payment(3), message="m2")
    await worker.run_until_idle()

    assert await run.result() == [1, 3]
    assert not await run.signal(paid, Payment(1), message="m1")


async def test_a_signal_of_the_wrong_type_is_refused_before_it_is_sent(client: Client) -> None:
    run = await client.start(collect, 1)

    with pytest.raises(PayloadError, match="Signal paid"):
        await run.signal(paid, "twelve euros")

    assert len((await run.history()).turns) == 1


@pytest.mark.construct("workflow.Signal.receive(timeout=)")
async def test_the_wait_for_a_signal_says_what_for_and_until_when(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(with_limit)
    await worker.run_until_idle()
    items = {item.code: item for item in (await run.describe()).summary.verdict.items}

    assert "'note'" in items["wait.signal"].why
    assert items["wait.signal"].next_at == clock.now_ms + 60_000
    assert "test_signals.py" in items["wait.signal"].site

    clock.advance(timedelta(minutes=1))
    await worker.run_until_idle()
    assert await run.result() == "nobody wrote"


async def test_time_that_is_up_fails_the_run_like_any_other_failure(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(impatient)
    await worker.run_until_idle()
    clock.advance(timedelta(minutes=1))
    await worker.run_until_idle()

    with pytest.raises(RunFailedError, match="TimeoutError"):
        await run.result()


async def test_no_timer_is_started_for_a_signal_that_is_there_already(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(late_reader)
    await run.signal(note, "early")
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=1))
    await worker.run_until_idle()

    history = await run.history()

    assert await run.result() == "early"
    assert [c.kind for turn in history.turns for c in turn.commands or ()] == [
        "start_timer",  # the sleep
        "complete_run",
    ]


async def test_a_task_that_is_cancelled_leaves_the_signal_to_the_next(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(race)
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=1))
    await worker.run_until_idle()
    await run.signal(note, "x")
    await worker.run_until_idle()

    assert await run.result() == ["second x"]


@pytest.mark.construct("workflow.Signal.send")
async def test_one_run_signals_another_once(client: Client, worker: Worker) -> None:
    target = await client.start(stream)
    sender = await client.start(tell, target.id)
    await worker.run_until_idle()
    await target.signal(note, "y")
    await worker.run_until_idle()

    assert await sender.result() == "sent"
    assert await target.result() == ["FROM ANOTHER RUN", "Y"]
    for handle, flow in ((target, stream), (sender, tell)):
        replay(await handle.history(), flow).raise_for_difference()


async def test_a_signal_to_a_run_that_is_not_there_raises_in_the_sender(
    client: Client, worker: Worker
) -> None:
    sender = await client.start(tell, "nobody")
    await worker.run_until_idle()

    with pytest.raises(RunFailedError, match="There is no run 'nobody'"):
        await sender.result()
    assert issubclass(SignalError, Exception)


@pytest.mark.construct("workflow.Signal.receive_now")
async def test_everything_that_has_come_can_be_taken_without_waiting(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(latest)
    await run.signal(note, "a")
    await run.signal(note, "b")
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=1))
    await worker.run_until_idle()

    assert await run.result() == ["a", "b"]


async def test_a_closed_or_unknown_run_takes_no_signal(client: Client, worker: Worker) -> None:
    run = await client.start(latest)
    await run.terminate()

    with pytest.raises(RunClosedError, match="terminated"):
        await run.signal(note, "late")
    with pytest.raises(UnknownRunError):
        await client.signal("nobody", note, "lost")


async def test_a_signal_outside_a_workflow_says_where_it_works() -> None:
    with pytest.raises(ForbiddenCallError, match="only inside a workflow"):
        await note.receive()
