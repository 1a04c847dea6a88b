"""The workflows that are replayed: as holdfast runs them, and as a bare loop would."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any

from holdfast import activity, workflow

WIDTH = 10


@dataclass(frozen=True)
class Order:
    """Be a small argument."""

    number: int
    customer: str
    cents: int
    express: bool


@dataclass(frozen=True)
class Receipt:
    """Be a small result."""

    number: int
    reference: str
    cents: int


def order(number: int) -> Order:
    """Return the order of one step."""
    return Order(number=number, customer="Ada Lovelace", cents=1999 + number, express=True)


def order_json(number: int) -> dict[str, Any]:
    """Return the same order as JSON, as it is recorded."""
    return {"number": number, "customer": "Ada Lovelace", "cents": 1999 + number, "express": True}


def receipt_json(number: int) -> dict[str, Any]:
    """Return the receipt of one step as JSON, as it is recorded."""
    return {"number": number, "reference": f"R-{number:06}", "cents": 1999 + number}


@activity.define
async def charge(order: Order) -> Receipt:
    """Never run here: its results are in the history."""
    raise NotImplementedError


@workflow.define
async def sequential(count: int) -> int:
    """Charge one order after another."""
    total = 0
    for number in range(count):
        total += (await charge(order(number))).cents
    return total


@workflow.define
async def gathered(count: int) -> int:
    """Charge ten orders at a time."""
    total = 0
    for first in range(0, count, WIDTH):
        receipts = await asyncio.gather(
            *(charge(order(number)) for number in range(first, first + WIDTH))
        )
        total += sum(receipt.cents for receipt in receipts)
    return total


class Asked:
    """Ask a bare loop for an activity, and give its result."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Generator["Asked", Any, Any]:
        """Give control to the loop."""
        return (yield self)


async def bare(count: int) -> int:
    """Do as `sequential`, without a runtime."""
    total = 0
    for _ in range(count):
        total += (await Asked("charge"))["cents"]
    return total


def replay_bare(recorded: list[tuple[str, Any]], expected: int) -> None:
    """Drive `bare` through a history: compare each name, send each result; the least that any replay must do."""
    coroutine: Coroutine[Asked, Any, int] = bare(len(recorded))
    try:
        asked = coroutine.send(None)
        for name, result in recorded:
            if asked.name != name:
                raise AssertionError(f"{asked.name} is not the recorded {name}")
            asked = coroutine.send(result)
    except StopIteration as end:
        if end.value != expected:
            raise AssertionError(f"the result is {end.value}, not {expected}") from None


def total_of(count: int) -> int:
    """Return what the workflows return."""
    receipt: Callable[[int], dict[str, Any]] = receipt_json
    return sum(receipt(number)["cents"] for number in range(count))
