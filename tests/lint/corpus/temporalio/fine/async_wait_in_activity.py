"""Fine (HF304): an activity may use threads, `asyncio.wait` and the hash of its parameter as it likes."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def fan_out(hosts: list[str]) -> int:
    tasks = [asyncio.create_task(asyncio.to_thread(hash, host)) for host in hosts]
    done, _ = await asyncio.wait(tasks)
    return sum(task.result() % 7 for task in done)


@workflow.defn
class FanOut:
    @workflow.run
    async def run(self, hosts: list[str]) -> int:
        return await workflow.execute_activity(
            fan_out, hosts, start_to_close_timeout=timedelta(minutes=5)
        )
