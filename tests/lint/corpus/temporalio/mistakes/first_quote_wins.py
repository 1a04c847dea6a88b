"""HF304: of two quotes that arrive at once, the order of a set decides which one is taken."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def ask_carrier(carrier: str) -> int:
    return len(carrier)


@workflow.defn
class FirstQuote:
    @workflow.run
    async def run(self, carriers: list[str]) -> int:
        tasks = [
            asyncio.create_task(
                workflow.execute_activity(
                    ask_carrier, carrier, start_to_close_timeout=timedelta(minutes=1)
                )
            )
            for carrier in carriers
        ]
        done, waiting = await asyncio.wait(
            tasks, return_when=asyncio.FIRST_COMPLETED
        )  # mistake: HF304
        for task in waiting:
            task.cancel()
        return next(iter(done)).result()  # also: HF403
