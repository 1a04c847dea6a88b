"""HF306: an `async` activity blocks the loop of its worker, and with it every other activity there."""

import time
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def poll_printer(job: str) -> str:
    for _ in range(60):
        activity.heartbeat(job)
        time.sleep(5)  # mistake: HF306 or HF305
    return f"{job} printed"


@workflow.defn
class PrintJob:
    @workflow.run
    async def run(self, job: str) -> str:
        return await workflow.execute_activity(
            poll_printer,
            job,
            start_to_close_timeout=timedelta(minutes=10),
            heartbeat_timeout=timedelta(seconds=30),
        )
