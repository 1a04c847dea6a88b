"""HF115: the workflow seeds the generator of the whole process, and draws from it."""

import random
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def assign(task: str) -> None:
    activity.logger.info("assigned %s", task)


@workflow.defn
class Assign:
    @workflow.run
    async def run(self, tasks: list[str], seed: int) -> None:
        random.seed(seed)  # mistake: HF115 or HF111
        for task in tasks:
            await workflow.execute_activity(
                assign, task, start_to_close_timeout=timedelta(minutes=1)
            )
