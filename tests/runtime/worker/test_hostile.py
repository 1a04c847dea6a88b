"""One run must not end a worker, hold another run, or be handed back and forth, whatever its code does."""

import asyncio
import contextlib
import datetime as dt
import math
import sqlite3
import sys
import threading
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field

from holdfast import ActivityError, ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast._store import events, runs
from holdfast.clock import VirtualClock, instant
from holdfast.errors import ArgumentError, LeaseLostError, RunCancelledError, UsageError
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]
Body = Callable[[], Coroutine[Any, Any, Any]]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


async def raise_unprintable() -> None:
    raise UnprintableError


async def raise_with_surrogate() -> None:
    raise ValueError("caf\udce9")


async def fail_with_odd_details() -> None:
    raise ApplicationError("no", details=object())


async def sleep_for_ever() -> None:
    await asyncio.sleep(sys.maxsize)


async def return_surrogate() -> str:
    return "caf\udce9"


async def patch_with_surrogate() -> None:
    workflow.patched("caf\udce9")


async def ask_with_surrogate() -> None:
    await workflow.approval("a", ask="caf\udce9", to=["ops"], answer=bool)


async def ask_an_object() -> None:
    await workflow.approval("a", ask="?", to=[object()], answer=bool)  # type: ignore[list-item]  # the mistake


async def leave_in_cleanup() -> None:
    async def child() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            sys.exit(3)

    task = asyncio.create_task(child())
    await asyncio.sleep(50)
    await task


BODIES = (
    raise_unprintable, raise_with_surrogate, fail_with_odd_details, sleep_for_ever, return_surrogate,
    patch_with_surrogate, ask_with_surrogate, ask_an_object, leave_in_cleanup,
)  # fmt: skip


@workflow.define
async def healthy() -> str:
    await asyncio.sleep(1)
    return "well"


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
async def test_code_that_cannot_go_on_leaves_the_worker_and_other_runs_alone(
    client: Client, clock: VirtualClock, body: Body
) -> None:
    hostile = workflow.define(name="hostile")(body)
    worker = Worker(client, workflows=[hostile, healthy])
    bad = await client.start(hostile)
    good = await client.start(healthy)

    for _ in range(4):
        await worker.run_until_idle()
        clock.advance(timedelta(seconds=6))

    assert await good.result() == "well"
    verdict = (await bad.describe()).summary.verdict
    expected = {
        "fail_with_odd_details": "closed.failed",
        "leave_in_cleanup": "wait.timer",
    }
    assert verdict.code == expected.get(body.__name__, "stuck.workflow_bug"), verdict.why


def explode(value: int) -> int:
    raise KeyError(value)


class Touchy(BaseModel):
    value: Annotated[int, AfterValidator(explode)]


def positive(value: int) -> int:
    if value <= 0:
        raise ValueError("must be positive")
    return value


Answer = dict[str, Annotated[int, AfterValidator(positive)] | Touchy | dt.date]


@pytest.mark.parametrize("wrong", [{"a": -5}, {"a": {"value": 1}}], ids=str)
async def test_an_answer_that_only_the_code_can_refuse_is_put_back_to_the_person(
    client: Client, wrong: dict[str, Any]
) -> None:
    @workflow.define
    async def asking() -> int:
        answer = await workflow.approval(
            "a", ask="?", to=["ops"], answer=Answer, timeout=timedelta(days=1), on_timeout={}
        )
        return sum(value for value in answer.values() if isinstance(value, int))

    worker = Worker(client, workflows=[asking])
    handle = await client.start(asking)
    await worker.run_until_idle()
    await handle.decide("a", wrong, by="ana")
    await worker.run_until_idle()

    asked_again = (await handle.describe()).summary.verdict
    await handle.decide("a", {"a": 5}, by="bo")
    await worker.run_until_idle()
    history = await handle.history()

    assert asked_again.code == "human.waiting"
    assert "The answer of ana was put back: The answer to a does not decode" in asked_again.why
    assert asked_again.worst.next_at is not None
    assert await handle.result() == 5
    assert replay(history, asking).ok
    assert not replay(history, asking).drifts


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # it damages the file
async def test_a_damaged_row_blocks_its_run_only(
    client: Client, clock: VirtualClock, tmp_path: Path
) -> None:
    damaged, good = await client.start(healthy), await client.start(healthy)
    with contextlib.closing(
        sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)
    ) as connection:
        connection.execute("UPDATE inbound SET body = 'xx' WHERE run_id = ?", (damaged.id,))
    worker = Worker(client, workflows=[healthy])

    await worker.run_until_idle()
    clock.advance(timedelta(seconds=2))
    await worker.run_until_idle()

    assert await good.result() == "well"
    summary = (await client.list(prefix=damaged.id))[0]
    assert summary.verdict.code == "stuck.poison_payload"
    assert "A stored payload is damaged" in summary.verdict.why


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # it damages the file
async def test_claims_are_handed_back_when_the_database_fails(
    client: Client, clock: VirtualClock, tmp_path: Path
) -> None:
    handles = [await client.start(healthy) for _ in range(4)]
    worker = Worker(client, workflows=[healthy])
    await worker._register()
    with contextlib.closing(
        sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)
    ) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON command BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )

    worked = await worker._try_look()
    with contextlib.closing(
        sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)
    ) as connection:
        connection.execute("DROP TRIGGER refuse")

    assert worked
    assert [(await h.describe()).evidence.task_state for h in handles] == ["ready"] * 4
    await worker.run_until_idle()
    assert {(await h.describe()).summary.verdict.code for h in handles} == {"wait.timer"}


class WithMethodError(Exception):
    def details(self) -> str:
        return "a method, not data"


@activity.define(retry=Retry(max_attempts=2, initial=timedelta(0)))
async def odd(kind: str) -> str:
    match kind:
        case "method":
            raise WithMethodError("no")
        case "details":
            raise ApplicationError("no", non_retryable=True, details=object())
        case "cancelled":
            task = asyncio.create_task(asyncio.sleep(10))
            task.cancel()
            await task
        case "unprintable":
            raise UnprintableError
        case "base":
            raise GeneratorExit
    return "caf\udce9"


@workflow.define
async def odd_flow(kind: str) -> str:
    return await odd(kind)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("method", "odd was tried 2 times and failed: WithMethodError: no"),
        ("details", "odd was tried once and failed: ApplicationError: no"),
        ("cancelled", "odd was tried 2 times and failed: CancelledError"),
        (
            "unprintable",
            "odd was tried 2 times and failed: UnprintableError: (its message cannot be read: RuntimeError)",
        ),
        ("base", "odd was tried 2 times and failed: GeneratorExit"),
        (
            "surrogate",
            "odd was tried once and failed: PayloadError: The result of odd cannot be encoded as str",
        ),
    ],
)
async def test_every_way_in_which_an_activity_can_fail_is_recorded_and_counted(
    client: Client, kind: str, words: str
) -> None:
    handle = await client.start(odd_flow, kind)

    await Worker(client, workflows=[odd_flow], activities=[odd]).run_until_idle()

    assert words in (await handle.describe()).summary.verdict.why


class Aliased(BaseModel):
    is_ok: bool = Field(alias="isOk")


@activity.define
async def aliased() -> Aliased:
    return Aliased(isOk=True)


@activity.define
async def numbers() -> dict[str, object]:
    return {"a": math.nan}


@workflow.define
async def aliased_flow() -> bool:
    asked = await workflow.approval("ok", ask="?", to=["ops"], answer=Aliased)
    return (await aliased()).is_ok and asked.is_ok


@workflow.define
async def numbers_flow() -> dict[str, object]:
    return await numbers()


@pytest.mark.construct("payload types")
async def test_a_model_with_aliases_goes_there_and_back(client: Client) -> None:
    worker = Worker(client, workflows=[aliased_flow], activities=[aliased])
    handle = await client.start(aliased_flow)
    await worker.run_until_idle()
    await handle.decide("ok", Aliased(isOk=True), by="ana")
    await worker.run_until_idle()

    assert await handle.result() is True


async def test_a_number_that_json_does_not_have_is_refused_and_not_turned_into_null(
    client: Client,
) -> None:
    handle = await client.start(numbers_flow)
    await Worker(client, workflows=[numbers_flow], activities=[numbers]).run_until_idle()

    assert (
        "The result of numbers cannot be encoded" in (await handle.describe()).summary.verdict.why
    )


STEPS = """
from holdfast import activity, workflow

@activity.define
async def a() -> None: ...
@activity.define
async def b() -> None: ...
@activity.define
async def c() -> None: ...

@workflow.define
async def flow() -> str:
    await {step}()
    await workflow.approval("ok", ask="?", to=["ops"], answer=bool)
    return "{step}"
"""


async def blocked(client: Client, module: Load) -> Any:
    old = module("steps", STEPS.format(step="a"))
    handle = await client.start(old.flow, id="r")
    await Worker(client, workflows=[old.flow], activities=[old.a]).run_until_idle()
    await handle.decide("ok", answer=True, by="ana")
    await Worker(client, workflows=[module("steps", STEPS.format(step="b")).flow]).run_until_idle()
    assert (await handle.describe()).summary.verdict.code == "stuck.nondeterminism"
    return handle


async def test_two_broken_releases_do_not_hand_a_run_back_and_forth(
    client: Client, module: Load
) -> None:
    handle = await blocked(client, module)
    workers = [
        Worker(client, workflows=[module("steps", STEPS.format(step=step)).flow]) for step in "bc"
    ]
    for worker in workers:
        await worker.run_until_idle()
    epoch = (await handle.describe()).evidence.lease_epoch

    for _ in range(3):
        for worker in workers:
            await worker.run_until_idle()

    assert (await handle.describe()).evidence.lease_epoch == epoch
    await Worker(client, workflows=[module("steps", STEPS.format(step="a")).flow]).run_until_idle()
    assert await handle.result() == "a"


@pytest.mark.construct("a blocked run is cancelled")
async def test_a_blocked_run_can_be_cancelled(client: Client, module: Load) -> None:
    handle = await blocked(client, module)

    await handle.cancel(reason="not needed")

    with pytest.raises(RunCancelledError):
        await handle.result()


@pytest.mark.construct("Client.retry")
async def test_a_blocked_run_can_be_tried_again_by_hand(client: Client, module: Load) -> None:
    handle = await blocked(client, module)
    await client.retry("r")

    assert (await handle.describe()).summary.verdict.code == "work.ready"
    await Worker(client, workflows=[module("steps", STEPS.format(step="b")).flow]).run_until_idle()
    assert (await handle.describe()).summary.verdict.code == "stuck.nondeterminism"
    await handle.cancel()
    other: Any = await client.start("steps:flow")
    with pytest.raises(UsageError, match="is not blocked"):
        await client.retry(other.id)


async def test_a_run_that_has_not_begun_is_cancelled_at_once(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(healthy, start_at=instant(clock.now_ms) + timedelta(days=3))

    await handle.cancel()

    with pytest.raises(RunCancelledError):
        await handle.result()


async def test_a_bug_whose_message_varies_is_held_as_well(
    client: Client, clock: VirtualClock
) -> None:
    @workflow.define
    async def varying() -> None:
        raise KeyError(object())

    handle = await client.start(varying)
    for _ in range(2):
        await Worker(client, workflows=[varying]).run_until_idle()
        clock.advance(timedelta(seconds=6))

    assert (await handle.describe()).summary.verdict.code == "stuck.workflow_bug"


async def test_a_decision_takes_its_deadline_away(client: Client, clock: VirtualClock) -> None:
    @workflow.define
    async def asking() -> bool:
        decided = await workflow.approval(
            "a", ask="?", to=["ops"], answer=bool, timeout=timedelta(hours=1), on_timeout=False
        )
        await asyncio.sleep(7200)
        return decided

    worker = Worker(client, workflows=[asking])
    handle = await client.start(asking)
    await worker.run_until_idle()
    await handle.decide("a", answer=True, by="ana")
    clock.advance(timedelta(hours=2))

    fired = client.database.write_now(events.fire_due, limit=10)

    assert fired == 0
    kinds = [turn.event.kind for turn in (await handle.history()).turns]
    assert "approval_expired" not in kinds


async def test_nothing_is_added_to_a_run_that_has_ended(client: Client) -> None:
    handle = await client.start(healthy)
    await handle.terminate()

    assert (
        client.database.write_now(events.append_event, handle.id, "timer_fired", {"seq": 1}) is None
    )
    assert len((await handle.history()).turns) == 1


async def test_an_answer_that_crosses_its_taking_back_is_ignored(
    client: Client, clock: VirtualClock
) -> None:
    @workflow.define
    async def racing() -> str:
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(10)
        except TimeoutError:
            return "timed out"
        return "slept"

    worker = Worker(client, workflows=[racing])
    handle = await client.start(racing)
    await worker.run_until_idle()
    clock.advance(timedelta(seconds=11))  # both timers are due before anybody looks
    await worker.run_until_idle()

    assert await handle.result() == "timed out"


async def test_times_of_events_never_go_back(client: Client, clock: VirtualClock) -> None:
    handle = await client.start(healthy)
    await Worker(client, workflows=[healthy]).run_until_idle()
    clock.now_ms -= 3_600_000
    await handle.cancel()

    times = [turn.event.at for turn in (await handle.history()).turns]

    assert times == sorted(times)


async def test_a_turn_cannot_be_committed_after_the_run_was_terminated(client: Client) -> None:
    handle = await client.start(healthy)
    prints = {"healthy": healthy.definition.fingerprint}
    claim = client.database.write_now(
        runs.claim_runs, worker="w", queue="default", fingerprints=prints, limit=1, lease_ms=1000
    )[0]  # fmt: skip
    await handle.terminate()

    with pytest.raises(LeaseLostError):
        client.database.write_now(
            runs.commit_turns, claim, [(1, [])], code="x", parked=[], decisions=[], drifts=[]
        )


async def test_a_thread_that_outlives_its_attempt_takes_a_slot(client: Client) -> None:
    release = threading.Event()

    @activity.define(timeout=timedelta(milliseconds=20), retry=Retry(max_attempts=1))
    def stuck() -> None:
        release.wait(30)

    @workflow.define
    async def calling() -> str:
        try:
            await stuck()
        except ActivityError as error:
            return type(error).__name__
        return "done"

    worker = Worker(client, workflows=[calling], activities=[stuck], slots=1)
    handle = await client.start(calling)
    await worker.run_until_idle()
    second = await client.start(calling)
    await worker.run_until_idle()

    assert await handle.result() == "ActivityError"
    assert worker.busy_threads == 1
    assert (await second.describe()).activities[0].state == "ready"
    release.set()


async def test_the_end_of_a_run_leaves_its_decided_approvals_as_they_are(client: Client) -> None:
    @workflow.define
    async def deciding() -> None:
        await asyncio.gather(
            workflow.approval("first", ask="?", to=["ops"], answer=bool),
            workflow.approval("second", ask="?", to=["ops"], answer=bool),
        )

    handle = await client.start(deciding)
    await Worker(client, workflows=[deciding]).run_until_idle()
    await handle.decide("first", answer=True, by="ana")
    await handle.terminate()

    states = {
        found.name: (found.state, found.decided_by) for found in (await handle.describe()).approvals
    }

    assert states == {"first": ("decided", "ana"), "second": ("withdrawn", None)}


async def test_a_decision_names_a_person_in_a_few_words(client: Client) -> None:
    with pytest.raises(ArgumentError, match="needs 1 to 200 characters"):
        await client.decide("r", "a", answer=True, by="x" * 900)
