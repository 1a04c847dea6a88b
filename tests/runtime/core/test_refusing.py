"""What asyncio offers and no replay can repeat is refused with its lint rule, whichever way it is asked for."""

import asyncio
import signal
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
