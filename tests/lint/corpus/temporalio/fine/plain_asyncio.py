"""Fine (HF305): in a workflow `asyncio.sleep`, locks, timeouts, tasks and gather are durable and deterministic."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def quote(carrier: str) -> int:
    return len(carrier)


@workflow.defn
class Quotes:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.best: int | None = None

    async def ask(self, carrier: str, pause: int) -> None:
        await asyncio.sleep(pause)
        price = await workflow.execute_activity(
            quote, carrier, start_to_close_timeout=timedelta(minutes=1)
        )
        async with self.lock:
            if self.best is None or price < self.best:
                self.best = price

    @workflow.run
    async def run(self, carriers: list[str]) -> int | None:
        jobs = [asyncio.create_task(self.ask(name, number)) for number, name in enumerate(carriers)]
        async with asyncio.timeout(3600):
            await asyncio.gather(*jobs)
        return self.best
