"""Fine (HF101): the clock is read outside the sandbox, not while replaying, and only for a message."""

import time
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def work(job: str) -> str:
    return job.upper()


@workflow.defn
class Timed:
    @workflow.run
    async def run(self, job: str) -> str:
        done = await workflow.execute_activity(
            work, job, start_to_close_timeout=timedelta(minutes=1)
        )
        if not workflow.unsafe.is_replaying():
            with workflow.unsafe.sandbox_unrestricted():
                workflow.logger.info("%s was done at %s", job, time.time())
        return done
