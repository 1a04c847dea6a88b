"""A parcel that is never sent, because nobody awaits it."""

import asyncio
from collections.abc import Awaitable

from holdfast import activity, workflow


@activity.define
async def is_in_stock(article: str) -> bool: ...


@activity.define
async def ship(article: str) -> str: ...


@activity.define
async def bill(customer: str) -> None: ...


def ship_by_parcel(article: str) -> Awaitable[str]:
    return ship.with_options(queue="parcels")(article)


async def remind(customer: str) -> None:
    await bill(customer)


@workflow.define
async def fulfil(customer: str, articles: list[str]) -> list[str]:
    bill(customer)  # mistake: HF702
    samples = []
    for article in articles:
        if is_in_stock(article):  # mistake: HF702
            samples.append(ship(f"sample of {article}"))  # mistake: HF702
    receipt = bill.with_options(queue="slow")(customer)  # mistake: HF702

    remind(customer)  # mistake: HF702
    note = ship("note")  # mistake: HF702
    note = ship("longer note")
    await note
    label = ship("label")
    if label == "sent":  # mistake: HF702
        asyncio.gather(bill(customer), bill("the shop"))  # mistake: HF702

    parcels = [ship_by_parcel(article) for article in articles]
    card = ship("thank-you card")
    async with asyncio.TaskGroup() as group:
        group.create_task(bill(customer))
    return [await card, *await asyncio.gather(*parcels)]
