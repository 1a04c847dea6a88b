"""Fine (HF723): the run ends only after all its handlers have."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def add_guest(name: str) -> None:
    activity.logger.info("added %s", name)


@workflow.defn
class Party:
    def __init__(self) -> None:
        self.done = False
        self.guests = 0
        self.lock = asyncio.Lock()

    @workflow.signal
    async def invite(self, name: str) -> None:
        async with self.lock:
            await workflow.execute_activity(
                add_guest, name, start_to_close_timeout=timedelta(minutes=1)
            )
            self.guests += 1

    @workflow.signal
    def close(self) -> None:
        self.done = True

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(
            lambda: self.done and workflow.all_handlers_finished(), timeout=timedelta(days=7)
        )
        return self.guests
