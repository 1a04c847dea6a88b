"""Runs advance, retry, sleep, ask people and end, through the real worker and a real database file."""

import asyncio
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast import (
    ActivityError,
    ApplicationError,
    ApprovalTimeoutError,
    Client,
    Retry,
    Worker,
    activity,
    workflow,
)
from holdfast.clock import VirtualClock
from holdfast.errors import ApprovalError, RunCancelledError, RunExistsError, RunFailedError
from holdfast.replay import replay

calls: list[str] = []


@dataclass(frozen=True)
class Decision:
    approved: bool
    comment: str = ""


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


async def drive(
    client: Client, clock: VirtualClock, worker: Worker, *, until: str, run: str
) -> None:
    """Let time pass until the run has the wanted health code."""
    for _ in range(200):
        await worker.run_until_idle()
        if (await client.describe(run)).summary.verdict.code == until:
            return
        due = await worker.next_due()
        assert due is not None, (await client.describe(run)).summary.verdict
        clock.advance_to(due)
    pytest.fail(f"{run} never became {until}")


@activity.define(retry=Retry(max_attempts=4, initial=timedelta(seconds=1), backoff=3.0))
async def flaky(failures: int) -> str:
    calls.append("flaky")
    if len(calls) <= failures:
        raise ConnectionError(f"no answer from host {len(calls)}")
    return "answer"


@activity.define
def in_thread(value: bytes) -> bytes:
    return value[::-1]


@activity.define
async def refused() -> None:
    calls.append("refused")
    raise ApplicationError("card declined", non_retryable=True, details={"code": 51})


@workflow.define
async def retrying(failures: int) -> str:
    return await flaky(failures)


@pytest.mark.construct("activity.define(retry=)")
@pytest.mark.construct("Retry(initial=)", "Retry(backoff=)")
async def test_a_failing_activity_is_tried_again_with_growing_pauses(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[retrying], activities=[flaky])
    handle = await client.start(retrying, 3, id="r")
    began = clock.now_ms
    await worker.run_until_idle()
    seen = (await handle.describe()).summary.verdict

    await drive(client, clock, worker, until="closed.completed", run="r")

    assert seen.code == "retry.activity"
    assert (
        "flaky failed once, last ConnectionError: no answer from host 1; attempt 2 in 1 s (3 left)"
        in seen.why
    )
    assert await handle.result() == "answer"
    assert clock.now_ms - began == 1_000 + 3_000 + 9_000


@pytest.mark.construct("Retry(max_attempts=)")
async def test_an_activity_out_of_attempts_fails_the_run_with_its_error(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[retrying], activities=[flaky])
    handle = await client.start(retrying, 99, id="r")

    await drive(client, clock, worker, until="closed.failed", run="r")

    with pytest.raises(
        RunFailedError, match="flaky was tried 4 times and failed: ConnectionError"
    ) as caught:
        await handle.result()
    assert caught.value.type == "ActivityError"


@workflow.define
async def catching() -> str:
    try:
        await refused()
    except ActivityError as error:
        return f"{error.type} {error.attempts} {error.details}"
    return "not refused"


@pytest.mark.construct("ApplicationError(non_retryable=)")
async def test_a_non_retryable_error_is_tried_once_and_can_be_caught(client: Client) -> None:
    worker = Worker(client, workflows=[catching], activities=[refused])
    handle = await client.start(catching)

    await worker.run_until_idle()

    assert await handle.result() == "ApplicationError 1 {'code': 51}"
    assert calls == ["refused"]


@activity.define(timeout=timedelta(milliseconds=20), retry=Retry(max_attempts=1))
async def hanging() -> None:
    await asyncio.Event().wait()


@workflow.define
async def waiting_for_hanging() -> None:
    await hanging()


@pytest.mark.construct("activity.define(timeout=)")
async def test_an_attempt_that_takes_too_long_fails_by_its_timeout(client: Client) -> None:
    worker = Worker(client, workflows=[waiting_for_hanging], activities=[hanging])
    handle = await client.start(waiting_for_hanging)

    await worker.run_until_idle()

    with pytest.raises(RunFailedError, match=r"TimeoutError: no result within 0\.02 s"):
        await handle.result()


@workflow.define
async def asking(timeout_days: int | None) -> Decision:
    deadline = None if timeout_days is None else timedelta(days=timeout_days)
    return await workflow.approval(
        "pay", ask="Pay 640 EUR?", to=["ops"], answer=Decision, timeout=deadline, on_timeout=Decision(approved=False)
    )  # fmt: skip


@pytest.mark.construct("workflow.approval", "Client.decide")
async def test_an_approval_waits_for_days_and_takes_the_answer(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[asking])
    handle = await client.start(asking, 3, id="r")
    await worker.run_until_idle()
    clock.advance(timedelta(days=2))

    waiting = (await handle.describe()).summary.verdict
    await handle.decide("pay", Decision(approved=True, comment="fine"), by="ana")
    await worker.run_until_idle()

    assert waiting.code == "human.waiting"
    assert "“Pay 640 EUR?” asked of ops 2 d ago, due in 1 d." in waiting.why
    assert await handle.result() == Decision(approved=True, comment="fine")


@pytest.mark.construct("workflow.approval(on_timeout=)")
async def test_an_approval_that_nobody_answers_takes_the_default(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[asking])
    handle = await client.start(asking, 3, id="r")

    await drive(client, clock, worker, until="closed.completed", run="r")

    assert await handle.result() == Decision(approved=False)


@workflow.define
async def asking_strictly() -> bool:
    return await workflow.approval(
        "go", ask="Go?", to=["ops"], answer=bool, timeout=timedelta(hours=1)
    )


@pytest.mark.construct("workflow.approval(timeout=)")
async def test_an_approval_without_default_raises_when_time_is_up(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[asking_strictly])
    handle = await client.start(asking_strictly, id="r")

    await drive(client, clock, worker, until="closed.failed", run="r")

    with pytest.raises(RunFailedError, match="Nobody decided 'go' within 1:00:00") as caught:
        await handle.result()
    assert caught.value.type == ApprovalTimeoutError.__name__


cleaned: list[str] = []


@activity.define
async def clean_up() -> None:
    cleaned.append("up")


@workflow.define
async def cancellable() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        await clean_up()


@pytest.mark.construct("Client.cancel")
async def test_a_cancelled_run_cleans_up_and_ends_as_cancelled(client: Client) -> None:
    cleaned.clear()
    worker = Worker(client, workflows=[cancellable], activities=[clean_up])
    handle = await client.start(cancellable)
    await worker.run_until_idle()

    await handle.cancel(reason="not needed")
    await worker.run_until_idle()

    with pytest.raises(RunCancelledError):
        await handle.result()
    assert cleaned == ["up"]


@workflow.define
async def never() -> None:
    await asyncio.Event().wait()


async def test_a_run_that_waits_for_nothing_recorded_is_shown_as_stuck_with_its_line(
    client: Client,
) -> None:
    handle = await client.start(never)

    await Worker(client, workflows=[never]).run_until_idle()

    verdict = (await handle.describe()).summary.verdict
    assert verdict.code == "stuck.unsatisfiable"
    assert verdict.worst.site.endswith("in never")


@workflow.define
async def mixed() -> tuple[bytes, str, bool]:
    async with asyncio.TaskGroup() as group:
        data = group.create_task(in_thread(b"\x00\xffab"))
        text = group.create_task(flaky(0))
    with_timeout = False
    try:
        async with asyncio.timeout(5):
            await workflow.approval("late", ask="?", to=["ops"], answer=bool)
    except TimeoutError:
        with_timeout = True
    return data.result(), text.result(), with_timeout


async def test_asyncio_and_binary_payloads_work_inside_a_workflow(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[mixed], activities=[in_thread, flaky])
    handle = await client.start(mixed, id="r")

    await drive(client, clock, worker, until="closed.completed", run="r")

    assert await handle.result() == (b"ba\xff\x00", "answer", True)
    approvals = (await handle.describe()).approvals
    assert [found.state for found in approvals] == ["withdrawn"]


@workflow.define
async def deterministic() -> list[str]:
    first = [str(workflow.uuid4()), str(workflow.random().random()), workflow.now().isoformat()]
    await asyncio.sleep(1)
    return [*first, str(workflow.uuid4())]


@pytest.mark.construct("workflow.random", "workflow.uuid4", "workflow.now")
async def test_random_numbers_ids_and_the_time_are_the_same_on_every_replay(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[deterministic])
    handle = await client.start(deterministic, id="r")
    await drive(client, clock, worker, until="closed.completed", run="r")
    result = replay(await handle.history(), deterministic)

    assert result.ok
    assert not result.drifts
    assert len(set(await handle.result())) == 4


@workflow.define
async def logging_workflow() -> None:
    workflow.logger.warning("asked")
    await asyncio.sleep(1)
    workflow.logger.warning("answered")


@pytest.mark.construct("workflow.logger")
async def test_a_workflow_logs_each_message_once(
    client: Client, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(client, workflows=[logging_workflow])
    await client.start(logging_workflow, id="r")

    with caplog.at_level(logging.WARNING, logger="holdfast.workflow"):
        await drive(client, clock, worker, until="closed.completed", run="r")

    assert [record.message for record in caplog.records] == ["asked", "answered"]


@workflow.define
async def logging_at_the_end() -> None:
    try:
        for _ in range(3):
            await asyncio.sleep(1)
    finally:
        workflow.logger.warning("cleaned up")


async def test_clean_up_code_logs_once_and_not_whenever_the_run_leaves_memory(
    client: Client, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(client, workflows=[logging_at_the_end])
    await client.start(logging_at_the_end, id="r")

    with caplog.at_level(logging.WARNING, logger="holdfast.workflow"):
        await drive(client, clock, worker, until="closed.completed", run="r")

    assert [record.message for record in caplog.records] == ["cleaned up"]


async def test_a_waiting_run_leaves_no_task_in_the_process(client: Client) -> None:
    handle = await client.start(asking, None)
    await Worker(client, workflows=[asking]).run_until_idle()

    assert (await handle.describe()).summary.verdict.code == "human.waiting"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.construct("Client.start", "Client.start(id=)")
@pytest.mark.construct("another request under the same id")
async def test_starting_the_same_request_twice_gives_one_run(client: Client) -> None:
    first = await client.start(retrying, 1, id="same")
    second = await client.start(retrying, 1, id="same")

    assert first.id == second.id
    assert len(await client.list()) == 1
    with pytest.raises(RunExistsError, match="other arguments"):
        await client.start(retrying, 2, id="same")


@pytest.mark.parametrize(
    "option",
    [
        {"timeout": timedelta(hours=1)},
        {"retry_budget": 3},
        {"attributes": {"customer": "acme"}},
        {"priority": 2},
    ],
    ids=lambda option: next(iter(option)),
)
async def test_another_option_makes_another_request(client: Client, option: dict[str, Any]) -> None:
    await client.start(retrying, 1, id="same", **option)

    again = await client.start(
        retrying, 1, id="same", start_at=datetime.now(UTC) + timedelta(hours=1), **option
    )

    assert again.id == "same"
    with pytest.raises(RunExistsError, match="options"):
        await client.start(retrying, 1, id="same")


async def test_deciding_twice_is_refused_and_changes_nothing(client: Client) -> None:
    handle = await client.start(asking, None)
    worker = Worker(client, workflows=[asking])
    await worker.run_until_idle()
    await handle.decide("pay", {"approved": True}, by="ana")

    with pytest.raises(ApprovalError, match="was decided by ana already"):
        await handle.decide("pay", {"approved": False}, by="bo")
    await worker.run_until_idle()

    assert (await handle.result()).approved
    events = [turn.event.kind for turn in (await handle.history()).turns]
    assert events.count("approval_decided") == 1


@pytest.mark.construct("an answer is validated before it is recorded", "workflow.approval(answer=)")
async def test_an_answer_of_the_wrong_type_is_refused_before_anything_is_written(
    client: Client,
) -> None:
    handle = await client.start(asking, None)
    await Worker(client, workflows=[asking]).run_until_idle()

    with pytest.raises(
        ApprovalError, match=r"'yes' is not of type 'boolean'\. Nothing was written"
    ):
        await handle.decide("pay", {"approved": "yes"}, by="ana")
    with pytest.raises(ApprovalError, match="has no approval 'play'; open approvals: pay"):
        await handle.decide("play", {"approved": True}, by="ana")

    assert len((await handle.history()).turns) == 1


@activity.define(retry=Retry(max_attempts=1))
def leaving() -> None:
    sys.exit(3)


@workflow.define
async def exiting() -> str:
    try:
        await leaving()
    except ActivityError as error:
        return error.type
    return "stayed"


@workflow.define
async def exiting_in_a_task() -> None:
    async def child() -> None:
        sys.exit(3)

    _task = asyncio.create_task(child())  # noqa: RUF006 - the run breaks before it would be used
    await asyncio.sleep(1)


async def test_code_that_calls_sys_exit_does_not_end_the_worker(client: Client) -> None:
    worker = Worker(client, workflows=[exiting, exiting_in_a_task], activities=[leaving])
    caught = await client.start(exiting)
    broken = await client.start(exiting_in_a_task)

    await worker.run_until_idle()

    assert await caught.result() == "SystemExit"
    assert (await broken.describe()).summary.verdict.code == "retry.task"
