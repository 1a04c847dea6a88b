"""One small workflow per construct of asyncio and per part of the API, and how each is played.

Golden histories are recorded from these functions and replayed by every later release. So a function here is never
changed once its history is recorded: change means a new function beside it.
"""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from holdfast import ActivityError, ApplicationError, Retry, activity, workflow
from holdfast.errors import ChildError
from holdfast.workflow import Workflow
from holdfast_testkit import Sim
from holdfast_testkit.harness import SimRun

Play = Callable[[Sim, SimRun[Any]], None]


@dataclass(frozen=True)
class Golden:
    """Name a workflow and what happens to a run of it; `ends` is the status of the run when it is recorded."""

    flow: Workflow[..., Any]
    play: Play
    args: tuple[Any, ...] = ()
    ends: str = "completed"

    @property
    def name(self) -> str:
        return self.flow.name


GOLDEN: dict[str, Golden] = {}


def to_the_end(sim: Sim, run: SimRun[Any]) -> None:
    sim.run_until(run, "closed")


def golden(*args: Any, play: Play = to_the_end, ends: str = "completed") -> Callable[[Any], Any]:
    """Put a workflow into the corpus."""

    def add(flow: Workflow[..., Any]) -> Workflow[..., Any]:
        GOLDEN[flow.name] = Golden(flow=flow, play=play, args=args, ends=ends)
        return flow

    return add


# What the activities do when a history is recorded.


@activity.define
async def echo(text: str) -> str:
    return text


@activity.define(retry=Retry(max_attempts=2))
async def broken(text: str) -> str:
    raise ApplicationError(f"{text} is broken")


@activity.define
def blocking(number: int) -> int:
    return number * 2


flaky_attempts: list[int] = []


@activity.define(
    timeout=timedelta(seconds=30),
    schedule_to_start=timedelta(minutes=5),
    schedule_to_close=timedelta(minutes=10),
    heartbeat=timedelta(seconds=10),
    retry=Retry(initial=timedelta(seconds=2), backoff=3.0, non_retryable=("TypeError",)),
    effect="pure",
)
async def flaky(text: str) -> str:
    flaky_attempts.append(activity.info().attempt)
    if activity.info().attempt < 3:
        raise ValueError("not yet")
    return text


def happened(amount: int) -> Any:
    return activity.Happened(f"paid {amount}")


@activity.define(effect="once", reconcile=happened)
async def pay(amount: int) -> str:
    return f"paid {amount}"


@activity.define
async def undo(text: str) -> None:
    return None


@activity.define
async def tell(notice: workflow.ApprovalNotice) -> None:
    return None


ACTIVITIES = (echo, broken, blocking, flaky, pay, undo, tell)


# asyncio


@golden()
@workflow.define
async def asyncio_gather() -> list[str]:
    found = await asyncio.gather(echo("a"), broken("b"), echo("c"), return_exceptions=True)
    return [str(part) for part in found]


async def _after(seconds: int) -> int:
    await asyncio.sleep(seconds)
    await echo(str(seconds))
    return seconds


@golden()
@workflow.define
async def asyncio_wait() -> list[list[int]]:
    seen = []
    for mode in (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED):
        tasks = [asyncio.create_task(_after(seconds)) for seconds in (3, 1, 2)]
        done, left = await asyncio.wait(tasks, timeout=10, return_when=mode)
        seen.append([task.result() for task in done])
        for task in left:
            task.cancel()
    return seen


@golden()
@workflow.define
async def asyncio_wait_for() -> list[str]:
    seen = [await asyncio.wait_for(echo("in time"), 5)]
    try:
        await asyncio.wait_for(_after(10), 2)
    except TimeoutError:
        seen.append("late")
    return seen


@golden()
@workflow.define
async def asyncio_timeout() -> list[str]:
    seen = []
    try:
        async with asyncio.timeout(1):
            await asyncio.Event().wait()
    except TimeoutError:
        seen.append("timeout")
    try:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + 2) as scope:
            scope.reschedule(asyncio.get_running_loop().time() + 1)
            await asyncio.sleep(9)
    except TimeoutError:
        seen.append("timeout_at")
    return seen


@golden()
@workflow.define
async def asyncio_task_group() -> list[str]:
    seen: list[str] = []

    async def child(number: int) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            seen.append(await echo(f"clean {number}"))

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(child(number))
            group.create_task(broken("x"))
    except* ActivityError as errors:
        seen += [str(error) for error in errors.exceptions]
    return seen


@golden()
@workflow.define
async def asyncio_as_completed() -> list[int]:
    return [await ready for ready in asyncio.as_completed([_after(n) for n in (3, 1, 2)])]


@golden()
@workflow.define
async def asyncio_shield() -> str:
    inner = asyncio.ensure_future(_after(3))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 1)
    except TimeoutError:
        return f"outlived {await inner}"
    return "in time"


@golden()
@workflow.define
async def asyncio_locks() -> list[str]:
    lock, semaphore = asyncio.Lock(), asyncio.Semaphore(2)
    seen: list[str] = []

    async def one(name: str) -> None:
        async with semaphore, lock:
            seen.append(await echo(name))

    await asyncio.gather(*[one(name) for name in "abcd"])
    return seen


@golden()
@workflow.define
async def asyncio_bounded_semaphore() -> list[str]:
    semaphore = asyncio.BoundedSemaphore(1)
    async with semaphore:
        seen = [await echo("alone"), str(semaphore.locked())]
    try:
        semaphore.release()
    except ValueError:
        seen.append(await echo("released too often"))
    return seen


@golden()
@workflow.define
async def asyncio_event_condition_barrier() -> list[str]:
    event, condition, barrier = asyncio.Event(), asyncio.Condition(), asyncio.Barrier(3)
    seen: list[str] = []

    async def one(name: str) -> None:
        await event.wait()
        async with condition:
            await condition.wait()
        seen.append(await echo(name))
        seen.append(str(await barrier.wait()))

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(one(name))
        await asyncio.sleep(1)
        event.set()
        await asyncio.sleep(1)
        async with condition:
            condition.notify(1)
            condition.notify_all()
    return seen


@golden()
@workflow.define
async def asyncio_queues() -> list[str]:
    seen: list[str] = []
    for queue in (asyncio.Queue[int](1), asyncio.PriorityQueue[int](2), asyncio.LifoQueue[int]()):

        async def consume(queue: asyncio.Queue[int] = queue) -> None:
            while (number := await queue.get()) >= 0:
                seen.append(await echo(str(number)))
                queue.task_done()
            queue.task_done()

        consumer = asyncio.create_task(consume())
        for number in (3, 1, 2):
            await queue.put(number)
        await queue.join()
        await queue.put(-1)
        await consumer
    return seen


@golden()
@workflow.define
async def asyncio_generators() -> list[str]:
    seen: list[str] = []

    async def produce() -> AsyncIterator[str]:
        try:
            for name in "xyz":
                yield await echo(name)
        finally:
            seen.append(await echo("closed"))

    async for name in produce():
        seen.append(name)
        if name == "y":
            break
    await asyncio.sleep(1)
    return seen


level: ContextVar[int] = ContextVar("golden_level", default=0)


@golden()
@workflow.define
async def asyncio_context() -> list[str]:
    async def one(number: int) -> str:
        level.set(level.get() + number)
        return await echo(str(level.get()))

    level.set(10)
    return [*await asyncio.gather(one(1), one(2)), str(level.get())]


@golden()
@workflow.define
async def asyncio_cancel() -> list[str]:
    seen: list[str] = []

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(await echo("cleaned"))
            task = asyncio.current_task()
            assert task is not None
            seen.append(str(task.uncancel()))
        return await echo("went on")

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(1)
    task.cancel("enough")
    return [*seen, await task]


# Activities


@golden()
@workflow.define
async def activity_kinds() -> list[str]:
    return [await echo("async"), str(await blocking(21))]


@golden()
@workflow.define
async def activity_limits_and_retries() -> str:
    return await flaky("at last")


@golden()
@workflow.define
async def activity_failure() -> str:
    try:
        return await broken("it")
    except ActivityError as error:
        return f"{error.activity} {error.type} {error.attempts}"


@golden()
@workflow.define
async def activity_with_options() -> str:
    quick = echo.with_options(timeout=timedelta(seconds=3), retry=Retry(max_attempts=1))
    return await quick("quick")


@golden()
@workflow.define
async def activity_once() -> str:
    return await pay(7)


# Time and chance


@golden()
@workflow.define
async def sleep() -> list[str]:
    await workflow.sleep(timedelta(days=2, milliseconds=5))
    return [workflow.now().isoformat()]


@golden()
@workflow.define
async def chance() -> list[str]:
    first = [str(workflow.random().randrange(1000)), str(workflow.uuid4())]
    await echo(first[0])
    return [*first, await echo(str(workflow.random().random())), str(workflow.uuid4())]


@golden()
@workflow.define
async def info() -> list[str]:
    about = workflow.info()
    workflow.logger.info("started")
    return [about.run_id, about.workflow, about.started_at.isoformat(), str(about.history_size)]


# People


def approving(**answers: Any) -> Play:
    """Answer each approval in turn."""

    def play(sim: Sim, run: SimRun[Any]) -> None:
        for key, answer in answers.items():
            name, _, by = key.partition("__")
            sim.approve(run, name, answer, by=by or "anna", comment="because")
        sim.run_until(run, "closed")

    return play


@dataclass(frozen=True)
class Choice:
    yes: bool
    amount: Decimal


@golden(play=approving(refund={"yes": True, "amount": "12.50"}))
@workflow.define
async def approval() -> str:
    choice = await workflow.approval(
        "refund", ask="How much?", to=["anna"], answer=Choice, shows={"order": 7}
    )
    return await echo(f"{choice.yes} {choice.amount}")


@golden(play=approving(publish__anna=True, publish__bert=False))
@workflow.define
async def approvals() -> list[str]:
    votes = await workflow.approvals(
        "publish", ask="Publish?", to=["anna", "bert", "carl"], answer=bool, quorum=2
    )
    return [f"{vote.by} {vote.answer}" for vote in votes]


@golden()
@workflow.define
async def approval_with_reminders() -> str:
    found = await workflow.approval(
        "late",
        ask="Well?",
        to=["anna"],
        answer=str,
        timeout=timedelta(hours=5),
        on_timeout="nobody",
        remind=timedelta(hours=2),
        escalate=workflow.Escalation(after=timedelta(hours=3), to=["boss"]),
        notify=tell,
    )
    return await echo(found)


# Change


@golden()
@workflow.define
async def patched() -> list[str]:
    seen = [await echo("new") if workflow.patched("change") else "old"]
    for number in range(2):
        if workflow.patched("each", key=number):
            seen.append(await echo(str(number)))  # noqa: PERF401 - it reads as a workflow does
    return seen


# Talk

note = workflow.Signal("note", str)
double = workflow.Update("double", int, int)


def talking(sim: Sim, run: SimRun[Any]) -> None:
    sim.run_until(run, "waiting")
    for text in ("one", "two", "three"):
        sim._runner.run(run.handle.signal(note, text, message=f"m-{text}"))
        sim.advance(timedelta(seconds=1))
    sim.run_until(run, "closed")


@golden(play=talking)
@workflow.define
async def signals() -> list[str]:
    seen = [await note.receive(), await note.receive(timeout=timedelta(minutes=1))]
    await asyncio.sleep(10)
    found = note.receive_now()
    seen += list(found or ())
    try:
        await note.receive(timeout=timedelta(minutes=1))
    except TimeoutError:
        seen.append("nobody wrote")
    return seen


def asking(sim: Sim, run: SimRun[Any]) -> None:
    async def ask() -> None:
        for number in (21, -1):
            request = asyncio.create_task(run.handle.update(double, number, id=f"u{number}"))
            await asyncio.sleep(0.2)  # until the request is in the database
            await sim._working().run_until_idle()
            await asyncio.gather(request, return_exceptions=True)

    sim.run_until(run, "waiting")
    sim._runner.run(ask())
    sim.run_until(run, "closed")


def not_negative(number: int) -> None:
    if number < 0:
        raise ApplicationError("not below zero")


@golden(play=asking)
@workflow.define
async def updates() -> int:
    answered: list[int] = []

    async def answer(number: int) -> int:
        await echo(str(number))
        answered.append(number)
        return number * 2

    double.handle(answer, check=not_negative)
    await workflow.wait_until(lambda: len(answered) >= 1, "one is answered")
    await asyncio.sleep(60)
    return answered[0]


@golden()
@workflow.define
async def wait_until() -> list[str]:
    seen: list[str] = []

    async def count() -> None:
        for number in range(3):
            seen.append(await echo(str(number)))  # noqa: PERF401 - others look at it meanwhile

    task = asyncio.create_task(count())
    await workflow.wait_until(lambda: len(seen) == 2, "two are there")
    at_two = list(seen)
    try:
        await workflow.wait_until(lambda: len(seen) == 9, "nine", timeout=timedelta(minutes=1))
    except TimeoutError:
        at_two.append("never nine")
    await task
    return at_two


@golden()
@workflow.define
async def publish_and_attributes() -> None:
    workflow.publish("progress", {"done": 1, "of": 2})
    workflow.set_attributes({"customer": "acme", "amount": 12, "urgent": True})
    await echo("half")
    workflow.publish("progress", {"done": 2, "of": 2})
    workflow.set_attributes({"urgent": None})


# Runs of runs


@workflow.define(name="golden_part")
async def part(number: int) -> int:
    if number < 0:
        raise ApplicationError("no such part")
    await asyncio.sleep(1)
    return number + 1


def with_parts(sim: Sim, run: SimRun[Any]) -> None:
    sim.start(part, 0, id="another")  # so that the simulation knows the workflow
    sim.run_until(run, "closed")


@golden(play=with_parts)
@workflow.define
async def children() -> list[str]:
    first = await workflow.run_child(part, 1)
    seen = [str(first)]
    named = workflow.start_child(part, 2, id="named-part", on_close="abandon")
    seen += [named.id, str(await named.result())]
    try:
        await workflow.start_child(part, -1, on_cancel="wait").result()
    except ChildError as error:
        seen.append(f"{error.status} {error.type}")
    workflow.start_child(part, 5).cancel()
    return seen


@golden()
@workflow.define
async def map_inputs() -> list[str]:
    doubled = await workflow.map(blocking, range(4), limit=2)
    outcomes = await workflow.map_settled(broken, ["a", "b"], tolerate=2)
    return [*map(str, doubled), *[outcome.state for outcome in outcomes]]


@golden(0, ends="continued")
@workflow.define
async def continue_as_new(round_number: int) -> int:
    await echo(str(round_number))
    if round_number < 1:
        workflow.continue_as_new(round_number + 1)
    return round_number


# Ends


@golden(ends="failed")
@workflow.define
async def compensation() -> None:
    first = workflow.compensate(undo, "dropped")
    await echo("step one")
    workflow.compensate(undo, "two")
    workflow.compensate(undo, "three")
    first.drop()
    await broken("step two")


@golden()
@workflow.define
async def roll_back() -> list[str]:
    workflow.compensate(undo, "one")
    workflow.compensate(broken, "two")
    return [error.activity for error in await workflow.roll_back()]


@golden(ends="failed")
@workflow.define
async def failure() -> None:
    await echo("before")
    raise ApplicationError("on purpose", details={"code": 7})


def cancelling(sim: Sim, run: SimRun[Any]) -> None:
    sim.run_until(run, "waiting")
    sim.cancel(run, reason="enough")
    sim.run_until(run, "closed")


@golden(play=cancelling, ends="cancelled")
@workflow.define
async def cancellation() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.shield(echo("cleaned up"))


# The guard


@golden()
@workflow.define
async def unsafe() -> int:
    with workflow.unsafe("only to see that there is a clock"):
        started = time.time()
    return 0 if started > 0 else 1


# Payloads


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Everything:
    text: str
    number: float
    big: int
    money: Decimal
    raw: bytes
    when: datetime
    day: date
    lasts: timedelta
    key: UUID
    colour: Colour
    many: list[int]
    some: frozenset[str]
    either: int | str
    nested: dict[str, tuple[int, ...]]
    nothing: None = None


@activity.define
async def keep(value: Everything) -> Everything:
    return value


def everything() -> Everything:
    return Everything(
        text="ä\u2028", number=0.1, big=2**70, money=Decimal("1.10"), raw=b"raw\x00", key=UUID(int=5),
        when=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), day=date(2026, 1, 2), lasts=timedelta(hours=1),
        colour=Colour.BLUE, many=[1, 2], some=frozenset({"b", "a", "c"}), either="seven", nested={"k": (1, 2)},
    )  # fmt: skip


@golden(everything())
@workflow.define
async def payloads(value: Everything) -> Everything:
    again = await keep(value)
    assert again == value
    return dataclasses.replace(again, text="changed")
