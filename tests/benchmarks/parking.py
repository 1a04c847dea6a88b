"""The workflows of which thousands wait."""

import asyncio
from datetime import timedelta

from holdfast import workflow

DAYS = 3


@workflow.define
async def approving(number: int) -> bool:
    """Wait for a person."""
    return await workflow.approval("refund", ask=f"Refund {number}?", to=["ops"], answer=bool)


@workflow.define
async def napping(number: int) -> int:
    """Wait for a timer that is days away."""
    await asyncio.sleep(timedelta(days=DAYS).total_seconds())
    return number
