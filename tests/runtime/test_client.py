"""What a client tells about runs, and how it starts and finds them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast import Client, RunHandle, Worker, activity, workflow
from holdfast.clock import VirtualClock
from holdfast.errors import (
    ApplicationError,
    RunFailedError,
    UnknownKeyError,
    UnknownRunError,
    UpdateRefusedError,
)
from holdfast.health import Family
from holdfast.history import ScheduleActivity

double = workflow.Update("double", int, int)
word = workflow.Signal("word", str)


@activity.define(name="loudly")
async def shout(text: str) -> str:
    return text.upper()


@workflow.define(name="greeting")
async def greet(name: str) -> str:
    workflow.publish("progress", {"of": name})
    return await shout(name)


@workflow.define
async def waiting() -> list[int]:
    answered: list[int] = []

    @double.handle
    async def answer(number: int) -> int:
        if number < 0:
            raise ApplicationError("not below zero")
        answered.append(number)
        return number * 2

    await workflow.wait_until(lambda: len(answered) == 2, "two are answered")
    return answered


@workflow.define
async def child() -> str:
    return await word.receive()


@workflow.define
async def parent() -> str:
    started = workflow.start_child(child)
    await started.signal(word, "hello")
    return await started.result()


@workflow.define
async def asking() -> bool:
    return await workflow.approval("sign", ask="Sign?", to=["anna"], answer=bool)


@workflow.define(fails_on=(KeyError,))
async def failing() -> None:
    raise KeyError("colour")


FLOWS: list[workflow.Workflow[..., Any]] = [greet, waiting, child, parent, asking, failing]


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=FLOWS, activities=[shout])


@pytest.mark.construct(
    "workflow.define", "workflow.Workflow", "workflow.define(name=)", "activity.define(name=)"
)
async def test_names_are_those_that_were_given(client: Client, worker: Worker) -> None:
    run = await client.start(greet, "anna")
    await worker.run_until_idle()
    history = await run.history()
    commands = [command for turn in history.turns for command in turn.commands or ()]

    assert await run.result() == "ANNA"
    assert history.header.workflow == greet.name == "greeting"
    assert [c.name for c in commands if isinstance(c, ScheduleActivity)] == ["loudly"]


@pytest.mark.construct("workflow.define(fails_on=)")
async def test_an_error_that_a_workflow_fails_on_fails_its_run(
    client: Client, worker: Worker
) -> None:
    run = await client.start(failing)
    await worker.run_until_idle()

    with pytest.raises(RunFailedError, match="KeyError"):
        await run.result()


@pytest.mark.construct("workflow.Child.signal", "workflow.start_child")
async def test_a_parent_signals_its_child_and_has_its_result(
    client: Client, worker: Worker
) -> None:
    run = await client.start(parent)
    await worker.run_until_idle()

    assert await run.result() == "hello"


@pytest.mark.construct("Client.query", "Client.published", "workflow.publish")
async def test_what_a_run_has_published_is_read_without_a_worker(
    client: Client, worker: Worker
) -> None:
    run = await client.start(greet, "anna")
    await worker.run_until_idle()

    assert await client.query(run.id, "progress") == {"of": "anna"}
    assert "progress" in await client.published(run.id)
    with pytest.raises(UnknownKeyError, match="colour"):
        await client.query(run.id, "colour")


async def asked(run: RunHandle[list[int]], worker: Worker, number: int) -> int:
    """Ask, and let the worker work until there is an answer."""
    request = asyncio.create_task(run.update(double, number))
    while not request.done():
        await worker.run_until_idle()
        await asyncio.sleep(0)
    return await request


@pytest.mark.construct("Client.update", "workflow.Update.handle", "workflow.wait_until")
async def test_a_run_answers_updates_and_refuses_some(client: Client, worker: Worker) -> None:
    run = await client.start(waiting)

    assert await asked(run, worker, 21) == 42
    with pytest.raises(UpdateRefusedError, match="not below zero"):
        await asked(run, worker, -1)
    assert await asked(run, worker, 4) == 8
    assert await run.result() == [21, 4]


@pytest.mark.construct("Client.list", "Client.start(attributes=)")
async def test_runs_are_found_by_their_attributes(client: Client) -> None:
    await client.start(greet, "anna", id="a", attributes={"amount": 5, "city": "Bonn"})
    await client.start(greet, "bert", id="b", attributes={"amount": 50, "city": "Bonn"})

    found = await client.list(where={"city": "Bonn", "amount >=": 10})

    assert [summary.id for summary in found] == ["b"]
    assert {summary.id for summary in await client.list(workflow="greeting")} == {"a", "b"}


@pytest.mark.construct("Client.start(start_at=)")
async def test_a_run_does_not_start_before_its_time(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    later = datetime.fromtimestamp(clock.now_ms / 1000, UTC) + timedelta(hours=1)
    run = await client.start(greet, "anna", start_at=later)
    await worker.run_until_idle()
    before = (await run.describe()).summary.verdict.family
    clock.advance(timedelta(hours=1))
    await worker.run_until_idle()

    assert before is not Family.CLOSED
    assert await run.result() == "ANNA"


@pytest.mark.construct("Client.resolve", "Client.get")
async def test_a_run_is_found_by_the_beginning_of_its_id(client: Client, worker: Worker) -> None:
    await client.start(greet, "anna", id="order-1234")
    await worker.run_until_idle()

    assert await client.resolve("order-12") == "order-1234"
    assert await client.get("order-1234", greet).result() == "ANNA"
    with pytest.raises(UnknownRunError, match="nothing"):
        await client.resolve("nothing")


@pytest.mark.construct(
    "Client.approvals", "Client.health_counts", "workflow.approval(ask=)", "workflow.approval(to=)"
)
async def test_open_questions_and_the_health_of_all_runs_are_told(
    client: Client, worker: Worker
) -> None:
    run = await client.start(asking)
    await worker.run_until_idle()
    open_before = [
        (found.run_id, found.name, found.ask, found.to) for found in await client.approvals()
    ]
    counts = await client.health_counts()
    await client.decide(run.id, "sign", answer=True, by="anna")

    assert open_before == [(run.id, "sign", "Sign?", ("anna",))]
    assert counts[Family.PERSON] == 1
    assert await client.approvals() == []


@pytest.mark.construct("Client.close")
async def test_a_database_file_is_free_when_its_client_is_closed(client: Client) -> None:
    run = await client.start(greet, "anna")
    client.close()

    async with Client(client.url) as other:
        assert (await other.describe(run.id)).summary.id == run.id
