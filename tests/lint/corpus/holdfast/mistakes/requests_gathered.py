"""HF204: two pages are fetched in the workflow itself, by coroutines that it gathers."""

import asyncio

import httpx

from holdfast import activity, workflow


@activity.define
async def compare(first: str, second: str) -> float: ...


async def page(url: str) -> str:
    async with httpx.AsyncClient() as client:  # also: HF204
        return (await client.get(url)).text  # mistake: HF204


@workflow.define
async def similarity(first: str, second: str) -> float:
    texts = await asyncio.gather(page(first), page(second))
    return await compare(*texts)
