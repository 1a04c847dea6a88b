"""Fine (HF303): inside a recorded action plain asyncio may be used as anywhere."""

import asyncio

import httpx
import restate

mirrors = restate.Service("mirrors")


async def fetch_all(urls: list[str]) -> list[int]:
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(url) for url in urls))
        await asyncio.sleep(0.1)
    return [answer.status_code for answer in answers]


@mirrors.handler()
async def check(ctx: restate.Context, urls: list[str]) -> list[int]:
    return await ctx.run_typed("fetch", fetch_all, urls=urls)
