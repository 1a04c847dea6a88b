"""The same workflows in Temporal's terms; its sandbox imports this module again, so it imports little."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow

_TIMEOUT = timedelta(seconds=10)
_WIDTH = 10


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


def _order(number: int) -> Order:
    return Order(number=number, customer="Ada Lovelace", cents=1999 + number, express=True)


@activity.defn
async def charge(order: Order) -> Receipt:
    """Never run here: its results are in the history."""
    raise NotImplementedError


@workflow.defn(name="sequential")
class Sequential:
    """Charge one order after another."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Run the workflow."""
        total = 0
        for number in range(count):
            receipt = await workflow.execute_activity(
                charge, _order(number), start_to_close_timeout=_TIMEOUT
            )
            total += receipt.cents
        return total


@workflow.defn(name="gathered")
class Gathered:
    """Charge ten orders at a time."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Run the workflow."""
        total = 0
        for first in range(0, count, _WIDTH):
            receipts = await asyncio.gather(
                *(
                    workflow.execute_activity(
                        charge, _order(number), start_to_close_timeout=_TIMEOUT
                    )
                    for number in range(first, first + _WIDTH)
                )
            )
            total += sum(receipt.cents for receipt in receipts)
        return total
