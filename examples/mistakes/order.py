"""Guests in the order of a set, which no two processes share."""

import asyncio

from holdfast import activity, workflow


@activity.define
async def invite(guests: str) -> None: ...


@workflow.define
async def party(guests: set[str]) -> None:
    await invite(", ".join(guests))  # mistake: HF401
    await invite(guests.pop())  # mistake: HF401
    await asyncio.gather(*{invite(name) for name in ("Ada", "Grace")})  # mistake: HF401

    names = list(guests)
    names.sort()
    for name in names:
        await invite(name)
