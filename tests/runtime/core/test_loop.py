"""The loop of a run: asyncio's constructs in the same order every time, and nothing that cannot be replayed."""

import asyncio
import gc
import subprocess
import sys
import types
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from holdfast import ActivityError, ApplicationError, activity, workflow
from holdfast._core.sites import innermost_site
from holdfast.errors import ForbiddenCallError
from holdfast.history import History
from holdfast.replay import replay
from holdfast_testkit import Sim, SimStuckError


@activity.define
async def step(name: str) -> str:
    return name


@activity.define
async def failing(name: str) -> str:
    raise ValueError(name)


def history_of(flow: Any, *args: Any) -> tuple[Any, History]:
    """Run a workflow to its end, replay it, and return its result and history."""
    with Sim() as sim:
        sim.real(step)
        sim.fake(failing).runs(_raise)
        run = sim.start(flow, *args, id="r")
        result = sim.result(run)
        history = sim.history(run)
    replay(history, flow).raise_for_difference()
    return result, history


def _raise(name: str) -> str:
    raise ApplicationError(name, non_retryable=True)


def commands_of(history: History) -> list[str]:
    return [
        f"{command.kind}:{getattr(command, 'name', '')}{getattr(command, 'args', '')}"
        for turn in history.turns
        for command in turn.commands or ()
    ]


@workflow.define
async def cleanup_order() -> list[str]:
    async def child(number: int) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await step(f"clean {number}")

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(child(number))
            await asyncio.sleep(1)
            raise ActivityError("stop")  # noqa: TRY301 - the body of a task group fails
    except* ActivityError:
        pass
    return ["done"]


@pytest.mark.construct("asyncio.TaskGroup", "exception groups")
def test_a_failing_task_group_cancels_its_children_in_the_order_of_creation() -> None:
    garbage = []
    orders = set()
    for round_number in range(5):
        _, history = history_of(cleanup_order)
        orders.add(tuple(c for c in commands_of(history) if "clean" in c))
        garbage.append([object() for _ in range(round_number * 37)])  # move later objects in memory

    assert orders == {tuple(f"schedule_activity:step['clean {n}']" for n in range(8))}


@workflow.define
async def waits() -> list[str]:
    tasks = [asyncio.create_task(_slow(n)) for n in (3, 1, 2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    first = [task.result() for task in done]
    rest = [task.result() for task in (await asyncio.wait(pending))[0]]
    return first + rest


async def _slow(seconds: int) -> str:
    await asyncio.sleep(seconds)
    return await step(str(seconds))


@workflow.define
async def locks() -> list[str]:
    lock, event, queue = asyncio.Lock(), asyncio.Event(), asyncio.Queue[str]()
    semaphore = asyncio.Semaphore(2)
    order: list[str] = []

    async def worker(name: str) -> None:
        async with semaphore, lock:
            order.append(await step(name))
        await queue.put(name)

    async def opener() -> None:
        await event.wait()
        order.append("opened")

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(worker(name))
        group.create_task(opener())
        for _ in range(3):
            await queue.get()
        event.set()
    return order


@workflow.define
async def timeouts() -> list[str]:
    seen = []
    try:
        await asyncio.wait_for(asyncio.sleep(10), 2)
    except TimeoutError:
        seen.append("wait_for")
    try:
        async with asyncio.timeout(1):
            await asyncio.Event().wait()
    except TimeoutError:
        seen.append("timeout")
    seen.append(await asyncio.wait_for(step("in time"), 5))
    seen.append(await asyncio.shield(step("shielded")))
    return seen


@workflow.define
async def generators() -> list[str]:
    async def produce() -> Any:
        for name in ("x", "y", "z"):
            yield await step(name)

    found = []
    async for name in produce():
        found.append(name)
        if name == "y":
            break
    return found


@workflow.define
async def gathered() -> list[str]:
    results = await asyncio.gather(step("a"), failing("b"), step("c"), return_exceptions=True)
    return [str(result) for result in results]


EXPECTED: list[tuple[Any, list[str]]] = [
    (waits, ["1", "2", "3"]),
    (locks, ["a", "b", "c", "opened"]),
    (timeouts, ["wait_for", "timeout", "in time", "shielded"]),
    (generators, ["x", "y"]),
    (gathered, ["a", "Activity failing was tried once and failed: ApplicationError: b", "c"]),
]


@pytest.mark.parametrize(("flow", "expected"), EXPECTED, ids=[flow.name for flow, _ in EXPECTED])
@pytest.mark.construct(
    "asyncio.gather",
    "asyncio.wait(FIRST_COMPLETED)",
    "asyncio.Lock",
    "asyncio.Event",
    "asyncio.Semaphore",
    "asyncio.Queue",
    "asyncio.wait_for",
    "asyncio.timeout",
    "asyncio.shield",
)
def test_asyncio_constructs_work_and_replay(flow: Any, expected: list[str]) -> None:
    result, _ = history_of(flow)

    assert sorted(result) == sorted(expected) if flow is waits else result == expected


async def _set_factory() -> None:
    asyncio.get_running_loop().set_task_factory(None)


def forbidden(name: str, call: Callable[[], Awaitable[Any]]) -> Any:
    @workflow.define(name=name, fails_on=(ForbiddenCallError,))
    async def flow() -> str:
        await call()
        return "allowed"

    return flow


@pytest.mark.parametrize(
    ("name", "call", "rule"),
    [
        ("executor", lambda: asyncio.get_running_loop().run_in_executor(None, print), "HF301"),
        ("thread", lambda: asyncio.to_thread(print), "HF301"),
        ("connection", lambda: asyncio.open_connection("127.0.0.1", 1), "HF204"),
        ("process", lambda: asyncio.create_subprocess_exec("true"), "HF302"),
        ("factory", _set_factory, "HF301"),
    ],
)
@pytest.mark.construct("executors", "threads", "sockets", "subprocesses", "task factories")
def test_a_call_that_cannot_be_replayed_is_refused_with_its_rule(
    name: str, call: Callable[[], Awaitable[Any]], rule: str
) -> None:
    flow = forbidden(name, call)
    with Sim() as sim:
        run = sim.start(flow)

        verdict = sim.run_until(run, "closed")

    assert verdict.code == "closed.failed"
    assert f"Lint rule {rule} finds this before it runs" in verdict.why


@workflow.define
async def spinning() -> None:
    while True:  # noqa: ASYNC110 - the mistake
        await asyncio.sleep(0)  # the mistake


def test_a_workflow_that_never_waits_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast._core.loop.MAX_STEPS_PER_TURN", 1000)
    with Sim() as sim:
        run = sim.start(spinning)

        verdict = sim.run_until(run, "stuck")

    assert verdict.code == "stuck.workflow_bug"
    assert "1,000 steps without waiting" in verdict.why


stubborn_log: list[str] = []


@workflow.define
async def stubborn() -> None:
    try:
        await asyncio.sleep(10)
    finally:
        stubborn_log.append("unwound")
        await step("must not happen")


@pytest.mark.construct("eviction")
def test_eviction_unwinds_code_and_refuses_its_commands() -> None:
    stubborn_log.clear()
    with Sim() as sim:
        sim.real(step)
        run = sim.start(stubborn)
        sim.run_until(run, "wait.timer")

        commands = commands_of(sim.history(run))
        gc.collect()

    assert stubborn_log
    assert commands == ["start_timer:"]


def test_waiting_for_nothing_recorded_ends_the_simulation_with_the_reason() -> None:
    @workflow.define
    async def parked() -> None:
        await asyncio.Event().wait()

    with Sim() as sim:
        run = sim.start(parked)
        with pytest.raises(
            SimStuckError,
            match=r"stuck\.unsatisfiable: Waits for something that nothing can change",
        ):
            sim.result(run)


def test_a_workflow_call_outside_a_workflow_says_how_to_start_one() -> None:
    with pytest.raises(ForbiddenCallError, match=r"works only inside a workflow"):
        workflow.now()


SEEDED = """
import hashlib, sys
sys.path.insert(0, {folder!r})
from test_loop import cleanup_order, commands_of, history_of, waits
text = [commands_of(history_of(flow)[1]) for flow in (cleanup_order, waits)]
print(hashlib.sha256(repr(text).encode()).hexdigest())
"""


@pytest.mark.construct("hash seeds")
def test_the_order_is_the_same_under_every_hash_seed() -> None:
    code = SEEDED.format(folder=str(Path(__file__).parent))
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip

    assert len(digests) == 1


@workflow.define
async def comprehending() -> list[str]:
    async def waiting() -> list[str]:
        return [await step(name) for name in "b"]

    return [await step(name) for name in "a"] + await waiting()


def test_the_site_of_a_command_does_not_name_the_comprehension_that_some_pythons_inline() -> None:
    with Sim() as sim:
        sim.real(step)
        run = sim.start(comprehending)
        sim.result(run)
        turns = sim.history(run).committed
    functions = [
        command.site.partition(" in ")[2] for turn in turns for command in turn.commands or ()
    ]

    assert functions == ["comprehending", "comprehending > waiting", "comprehending"]


def test_the_line_at_which_a_comprehension_waits_is_one_of_its_function() -> None:
    @types.coroutine
    def pause() -> Generator[None, None, int]:
        yield
        return 1

    async def waiting() -> list[int]:
        return [await pause() for _ in "a"]

    coro = waiting()
    coro.send(None)

    assert innermost_site(coro).endswith(" in waiting")
    coro.close()
