"""HF718: every closure sees the last article, because they look at the variable when they run."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def order_part(part: str) -> str:
    return f"ordered {part}"


@workflow.defn
class OrderParts:
    @workflow.run
    async def run(self, parts: list[str]) -> list[str]:
        jobs = []
        for part in parts:
            jobs.append(
                lambda: workflow.execute_activity(  # mistake: HF718
                    order_part, part, start_to_close_timeout=timedelta(minutes=1)
                )
            )
        return list(await asyncio.gather(*(job() for job in jobs)))
