"""Fine (HF702): awaitables are kept, handed to helpers and tasks, and awaited there."""

import asyncio
from collections.abc import Awaitable, Iterable

from holdfast import activity, workflow


@activity.define
async def ship(article: str) -> str: ...


@activity.define
async def bill(customer: str) -> None: ...


async def in_turn(jobs: Iterable[Awaitable[str]]) -> list[str]:
    return [await job for job in jobs]


@workflow.define
async def fulfil(customer: str, articles: list[str]) -> list[str]:
    by_parcel = ship.with_options(queue="parcels")
    jobs = [by_parcel(article) for article in articles]
    async with asyncio.TaskGroup() as group:
        group.create_task(bill(customer))
        shipped = group.create_task(in_turn(jobs))
    return shipped.result()
