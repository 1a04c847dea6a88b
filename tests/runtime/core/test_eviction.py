"""A run that is evicted leaves nothing behind, whatever its clean-up code does."""

import asyncio
import contextlib
import gc
import logging
import sys
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdfast import activity, workflow
from holdfast._core import driver, eviction
from holdfast._core.loop import TurnLoop
from holdfast._core.tasks import TurnTask
from holdfast_testkit import Sim


@activity.define
async def step(name: str) -> str:
    return name


@workflow.define
async def awaits_in_finally() -> None:
    try:
        await asyncio.sleep(10)
    finally:
        try:
            await asyncio.Event().wait()
        finally:
            await step("refused")


@workflow.define
async def swallows_cancellation() -> None:
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


@workflow.define
async def swallows_everything() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except BaseException:  # noqa: BLE001 - hostile
            continue


@workflow.define
async def swallows_everything_in_steps() -> None:
    while True:
        try:
            await swallows_everything.fn()
        except BaseException:  # noqa: BLE001 - hostile
            continue


@workflow.define
async def leaves_by_no_way() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        finally:
            continue  # noqa: B012 - hostile


@workflow.define
async def swallows_everything_twice() -> None:
    while True:
        try:
            while True:
                try:
                    await asyncio.Event().wait()
                except BaseException:  # noqa: BLE001 - hostile
                    continue
        except BaseException:  # noqa: BLE001 - hostile
            continue


@workflow.define
async def starts_tasks() -> None:
    async def again() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            _ = asyncio.create_task(again())  # noqa: RUF006 - hostile

    await again()


@workflow.define
async def spins() -> None:
    try:
        await asyncio.sleep(5)
    finally:
        while True:  # noqa: ASYNC110 - hostile
            await asyncio.sleep(0)


@workflow.define
async def generator_that_waits() -> None:
    async def produce() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.Event().wait()

    await anext(produce())
    await asyncio.sleep(5)


@workflow.define
async def coroutines_not_yet_awaited() -> None:
    async def part() -> None: ...

    parts = [part() for _ in range(3)]
    await asyncio.sleep(5)
    await asyncio.wait_for(part(), 3)
    for each in parts:
        await each


@workflow.define
async def failed_children() -> None:
    async def fail() -> None:
        raise ValueError("background")

    task = asyncio.create_task(fail())
    await asyncio.gather(asyncio.sleep(5), asyncio.shield(asyncio.Event().wait()))
    await task


WAITING_FOR_NOTHING = [
    swallows_cancellation, swallows_everything, swallows_everything_in_steps, leaves_by_no_way,
    *([swallows_everything_twice] if sys.version_info >= (3, 12) else []),  # what 3.11 cannot end
]  # fmt: skip
HOSTILE = [
    *WAITING_FOR_NOTHING,
    awaits_in_finally, starts_tasks, spins, generator_that_waits, coroutines_not_yet_awaited,
    failed_children,
]  # fmt: skip


def of_workflows() -> list[Any]:
    kinds = (TurnTask, TurnLoop)
    names = {"coroutine", "async_generator"}
    return [
        found
        for found in gc.get_objects()
        if isinstance(found, kinds)
        or (type(found).__name__ in names and "test_eviction" in found.__qualname__)
    ]


@pytest.mark.parametrize("flow", HOSTILE, ids=lambda flow: flow.name)
def test_eviction_leaves_nothing(
    flow: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    gc.collect()
    before = {id(found) for found in of_workflows()}
    abandoned = len(eviction._abandoned)

    with (
        caplog.at_level(logging.WARNING, "asyncio"),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        with Sim() as sim:
            sim.run_until(sim.start(flow), "stuck" if flow in WAITING_FOR_NOTHING else "waiting")
        gc.collect()

    assert [found for found in of_workflows() if id(found) not in before] == []
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    assert unraisable == []
    assert [str(found.message) for found in warned if "never awaited" in str(found.message)] == []
    assert len(eviction._abandoned) == abandoned


unwound: list[str] = []


@workflow.define
async def cleans_up_in_steps() -> None:
    async def part(name: str) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            unwound.append(f"{name} is cancelled")
            await asyncio.sleep(0)
            unwound.append(f"{name} goes on")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                unwound.append(f"{name} is cancelled again")
                raise

    child = asyncio.create_task(part("child"))
    await part("run")
    await child


def test_eviction_cancels_a_task_again_and_again_before_it_is_closed_by_force() -> None:
    with Sim() as sim:
        run = sim.start(cleans_up_in_steps)
        sim.run_until(run, "wait.timer")
        history = sim.history(run)
    execution = driver.replay(cleans_up_in_steps.definition, history).execution
    unwound.clear()

    assert execution.evict()

    assert unwound == [
        "run is cancelled", "child is cancelled", "run goes on", "child goes on",
        "run is cancelled again", "child is cancelled again",
    ]  # fmt: skip


@workflow.define
async def drops_a_failure() -> str:
    async def fail() -> None:
        raise ValueError("nobody asked")

    _ = asyncio.create_task(fail(), name="background")  # noqa: RUF006 - the mistake
    await asyncio.sleep(5)
    await asyncio.sleep(5)
    return "done"


def test_the_error_of_a_task_that_nobody_awaits_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "holdfast.worker"), Sim() as sim:
        assert sim.result(sim.start(drops_a_failure)) == "done"

    told = [
        record.getMessage() for record in caplog.records if "nobody asked" in record.getMessage()
    ]
    assert len(told) == 1
    assert "a background task failed and nothing awaits it (background, started at" in told[0]


@workflow.define
async def looks_later() -> str:
    async def fail() -> None:
        raise ValueError("looked at")

    tasks = [asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(5))]
    done, _ = await asyncio.wait(tasks)
    return ", ".join(sorted(str(task.exception()) for task in done))


def test_an_error_that_the_workflow_looks_at_later_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "holdfast.worker"), Sim() as sim:
        assert sim.result(sim.start(looks_later)) == "None, looked at"

    assert caplog.records == []
