"""Fine (HF401): duplicates are removed by a set that is sorted, or by a dictionary."""

import asyncio

from holdfast import activity, workflow


@activity.define
async def invite(guest: str) -> bool: ...


@workflow.define
async def party(guests: list[str], barred: list[str]) -> int:
    wanted = set(guests).difference(barred)
    replies = await asyncio.gather(*(invite(guest) for guest in sorted(wanted)))
    for guest in dict.fromkeys(barred):
        if guest not in wanted:
            workflow.logger.info("%s is not invited", guest)
    return sum(replies) + min(len(name) for name in wanted)
