"""Fine (HF201): the worker reads the environment before it starts, and an activity reads it while it runs."""

import os
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker


@activity.defn
async def region() -> str:
    return os.environ.get("REGION", "eu")


@workflow.defn
class Place:
    @workflow.run
    async def run(self, order: str) -> str:
        chosen = await workflow.execute_activity(
            region, start_to_close_timeout=timedelta(minutes=1)
        )
        return f"{order} in {chosen}"


async def serve() -> None:
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    queue = os.getenv("TASK_QUEUE", "orders")
    await Worker(client, task_queue=queue, workflows=[Place], activities=[region]).run()
