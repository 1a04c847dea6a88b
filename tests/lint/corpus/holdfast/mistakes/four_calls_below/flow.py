from datetime import timedelta

from four_calls_below.pricing import Tariff
from holdfast import activity, workflow


@activity.define(timeout=timedelta(seconds=30))
async def book(customer: str, cents: int) -> None: ...


@workflow.define
async def bill(customer: str, minutes: int) -> int:
    tariff = Tariff("mobile")
    cents = tariff.price(minutes)
    await book(customer, cents)
    return cents
