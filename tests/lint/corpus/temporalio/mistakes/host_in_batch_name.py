"""HF122: the batch is named after the network card of the worker."""

import uuid
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def open_batch(name: str) -> None:
    activity.logger.info("opened %s", name)


@workflow.defn
class NightlyImport:
    @workflow.run
    async def run(self, source: str) -> str:
        batch = f"{source}-{uuid.getnode():012x}"  # mistake: HF122
        await workflow.execute_activity(
            open_batch, batch, start_to_close_timeout=timedelta(minutes=1)
        )
        return batch
