"""Fine (HF722): the loop has no condition, and ends by a signal, by a deadline or as a new run."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def greet(name: str) -> str:
    return f"hello {name}"


@workflow.defn
class Greeter:
    def __init__(self) -> None:
        self.names: asyncio.Queue[str] = asyncio.Queue()
        self.leaving = False

    @workflow.signal
    async def submit(self, name: str) -> None:
        await self.names.put(name)

    @workflow.signal
    def leave(self) -> None:
        self.leaving = True

    @workflow.run
    async def run(self, greeted: int) -> int:
        while True:
            await workflow.wait_condition(
                lambda: not self.names.empty() or self.leaving, timeout=timedelta(days=1)
            )
            while not self.names.empty():
                await workflow.execute_activity(
                    greet, self.names.get_nowait(), start_to_close_timeout=timedelta(minutes=1)
                )
                greeted += 1
            if self.leaving:
                return greeted
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(greeted)
