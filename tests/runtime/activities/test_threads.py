"""A thread cannot be stopped from outside: it is told, and may stop by itself."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.processes import until

from holdfast import Client, Retry, Worker, activity, workflow
from holdfast.clock import VirtualClock

SECOND = timedelta(seconds=1)


stopped = threading.Event()
started = threading.Event()


@activity.define(timeout=timedelta(milliseconds=50), retry=Retry(max_attempts=1))
def endless() -> None:
    started.set()
    while not activity.is_cancelled():
        threading.Event().wait(0.005)
    stopped.set()


@workflow.define
async def calling_endless() -> None:
    await endless()


@pytest.mark.construct("activity.is_cancelled")
async def test_a_thread_out_of_time_is_told_and_gives_its_slot_back_when_it_returns(
    client: Client,
) -> None:
    stopped.clear()
    worker = Worker(client, workflows=[calling_endless], activities=[endless], slots=1)
    handle = await client.start(calling_endless)

    await worker.run_until_idle()
    await until(stopped.is_set, what="the thread")
    await until(lambda: worker.busy_threads == 0, what="the slot")

    assert (await handle.describe()).activities[0].error_type == "TimeoutError"


@workflow.define
async def giving_up() -> str:
    try:
        async with asyncio.timeout(60):
            await patient()
    except TimeoutError:
        return "gave up"
    return "done"


@activity.define
def patient() -> None:
    started.set()
    while not activity.is_cancelled():
        threading.Event().wait(0.005)
    stopped.set()


async def test_a_thread_that_its_run_took_back_is_told(
    client: Client, clock: VirtualClock, serve: Any
) -> None:
    stopped.clear()
    started.clear()
    serve(Worker(client, workflows=[giving_up], activities=[patient], lease=SECOND * 9))
    handle = await client.start(giving_up)
    await until(started.is_set, what="the attempt")

    clock.advance(timedelta(seconds=60))
    await until(stopped.is_set, what="the thread")

    assert await handle.result(timeout=timedelta(seconds=20)) == "gave up"
