"""The workflow that runs under fire: activities with effects, a timer, messages, and a result that adds everything up."""

import asyncio
import contextlib
from datetime import timedelta

from tests.fire import ledger

from holdfast import Retry, activity, workflow

MESSAGES = workflow.Signal("money", int)
EVERY = 5  # one run in so many waits for messages
STEPS = ("reserve", "charge", "ship", "note")


@activity.define(
    timeout=timedelta(seconds=60), retry=Retry(initial=timedelta(milliseconds=20), max_attempts=100)
)
async def effect(folder: str, step: str, number: int) -> int:
    """Do something in the outside world, under the key that stays the same."""
    ledger.enter(folder, key=activity.idempotency_key(), what=f"{number}/{step}")
    return number


@activity.define(timeout=timedelta(seconds=120))
async def held(folder: str, number: int) -> int:
    """Have an effect, stay in mid-attempt until the test lets it go, and insist on a result even when taken away."""
    ledger.enter(folder, key=activity.idempotency_key(), what=f"{number}/held")
    with contextlib.suppress(asyncio.CancelledError):
        await ledger.gate(folder)
    return activity.info().attempt


@workflow.define
async def order(folder: str, number: int) -> int:
    """Add up what four effects return, and two messages where there are any."""
    total = await effect(folder, STEPS[0], number)
    total += sum(await asyncio.gather(*(effect(folder, step, number) for step in STEPS[1:3])))
    await asyncio.sleep(0.02)
    if number % EVERY == 0:
        total += await MESSAGES.receive() + await MESSAGES.receive()
    return total + await effect(folder, STEPS[3], number)


@workflow.define
async def holding(folder: str, number: int) -> int:
    """Return which attempt it was that brought the result."""
    return await held(folder, number)


def messages_of(number: int) -> list[tuple[str, int]]:
    """Return the messages that a run waits for: their ids and values."""
    return (
        [(f"m{number}.{part}", 10 ** (5 + part)) for part in (1, 2)] if number % EVERY == 0 else []
    )


def expected(number: int) -> int:
    """Return the result of `order` when nothing was lost and nothing counted twice."""
    return number * len(STEPS) + sum(value for _, value in messages_of(number))
