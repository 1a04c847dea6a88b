"""Fine (HF707): the activity is completed, and heartbeats, through a handle somewhere else."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client


class Signing:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.jobs: set[asyncio.Task[None]] = set()

    @activity.defn
    async def sign(self, contract: str) -> str:
        job = asyncio.create_task(self._follow(activity.info().task_token, contract))
        self.jobs.add(job)
        activity.raise_complete_async()

    async def _follow(self, token: bytes, contract: str) -> None:
        handle = self.client.get_async_activity_handle(task_token=token)
        for _ in range(20):
            await handle.heartbeat()
            await asyncio.sleep(1)
        await handle.complete(f"{contract} signed")


@workflow.defn
class Sign:
    @workflow.run
    async def run(self, contract: str) -> str:
        return await workflow.execute_activity_method(
            Signing.sign,
            contract,
            start_to_close_timeout=timedelta(days=1),
            heartbeat_timeout=timedelta(seconds=5),
        )
