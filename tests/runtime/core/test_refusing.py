"""What asyncio offers and no replay can repeat is refused with its lint rule, whichever way it is asked for."""

import asyncio
import concurrent.futures
import contextlib
import signal
from asyncio import new_event_loop, run, run_coroutine_threadsafe, set_event_loop, wrap_future
from collections.abc import Callable
from typing import Any

import pytest

from holdfast import workflow
from holdfast.errors import ForbiddenCallError
from holdfast_testkit import Sim


async def nothing() -> None:
    return None


def eager() -> None:
    task = nothing()
    try:
        _ = asyncio.get_running_loop().create_task(task, eager_start=True)  # type: ignore[call-arg]
    finally:
        task.close()


def threadsafe() -> None:
    asyncio.get_running_loop().call_soon_threadsafe(print)


def handler() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)


@pytest.mark.construct("signal handlers", "call_soon_threadsafe", "eager tasks")
@pytest.mark.parametrize("call", [eager, threadsafe, handler])
def test_what_cannot_be_replayed_is_refused_by_the_loop(call: Callable[[], Any]) -> None:
    @workflow.define(fails_on=(ForbiddenCallError,))
    async def flow() -> str:
        call()
        return "allowed"

    with Sim() as sim:
        verdict = sim.run_until(sim.start(flow), "closed")

    assert verdict.code == "closed.failed"
    assert "cannot be replayed" in verdict.why
    assert "Lint rule HF30" in verdict.why


def foreign_future() -> None:
    _ = wrap_future(concurrent.futures.Future[None]())


def own_runner() -> None:
    with asyncio.Runner() as runner:
        runner.run(nothing())


def threadsafe_coroutine() -> None:
    run_coroutine_threadsafe(nothing(), asyncio.get_running_loop())


def thread() -> None:
    asyncio.to_thread(print).send(None)


@pytest.mark.construct("threads")
@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: run(nothing()), "asyncio.run()"),
        (own_runner, "asyncio.Runner()"),
        (new_event_loop, "asyncio.new_event_loop()"),
        (lambda: set_event_loop(None), "asyncio.set_event_loop()"),
        (foreign_future, "asyncio.wrap_future()"),
        (threadsafe_coroutine, "asyncio.run_coroutine_threadsafe()"),
        (thread, "loop.run_in_executor()"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_leads_out_of_the_run_is_refused_by_name_even_when_the_code_catches_it(
    call: Callable[[], Any], named: str
) -> None:
    @workflow.define(fails_on=(ForbiddenCallError,))
    async def flow() -> str:
        with contextlib.suppress(ForbiddenCallError):
            call()
        return "allowed"

    with Sim() as sim:
        verdict = sim.run_until(sim.start(flow), "closed")

    assert verdict.code == "closed.failed"
    assert f"{named} cannot be replayed" in verdict.why
    assert "Lint rule HF301" in verdict.why
