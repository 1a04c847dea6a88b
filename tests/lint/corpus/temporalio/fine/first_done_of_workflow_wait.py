"""Fine (HF304): `workflow.wait` gives lists back, so taking one from the end is no matter of chance."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def lookup(mirror: str) -> str:
    return f"from {mirror}"


@workflow.defn
class FastestMirror:
    @workflow.run
    async def run(self, mirrors: list[str]) -> str:
        tasks = [
            asyncio.create_task(
                workflow.execute_activity(
                    lookup, mirror, start_to_close_timeout=timedelta(minutes=1)
                )
            )
            for mirror in mirrors
        ]
        done, waiting = await workflow.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return await done.pop()
