"""Fine (HF304): `asyncio.wait` is deterministic, and the set it gives is only asked what it holds."""

import asyncio

from holdfast import activity, workflow


@activity.define
async def quote(carrier: str) -> int: ...


@workflow.define
async def fastest(first: str, second: str) -> int:
    one = asyncio.create_task(quote(first))
    two = asyncio.create_task(quote(second))
    done, waiting = await asyncio.wait([one, two], return_when=asyncio.FIRST_COMPLETED)
    winner, loser = (one, two) if one in done else (two, one)
    if loser in waiting:
        loser.cancel()
    return await winner
