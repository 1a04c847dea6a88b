"""Fine (HF702): coroutines are kept in lists and names, and awaited further down."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def render(page: int) -> str:
    return f"page {page}"


@activity.defn
async def cover(title: str) -> str:
    return title.upper()


@workflow.defn
class Book:
    @workflow.run
    async def run(self, title: str, pages: int) -> list[str]:
        front = workflow.execute_activity(cover, title, start_to_close_timeout=timedelta(minutes=1))
        rendered = []
        for number in range(pages):
            rendered.append(
                workflow.execute_activity(
                    render, number, start_to_close_timeout=timedelta(minutes=1)
                )
            )
        handle = workflow.start_activity(cover, "back", start_to_close_timeout=timedelta(minutes=1))
        inner = await asyncio.gather(*rendered)
        return [await front, *inner, await handle]
