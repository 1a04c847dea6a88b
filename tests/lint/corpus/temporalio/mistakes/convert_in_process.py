"""HF302: the workflow starts a program to convert a picture."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def publish_picture(name: str) -> None:
    activity.logger.info("published %s", name)


@workflow.defn
class PublishPicture:
    @workflow.run
    async def run(self, name: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "convert", name, f"{name}.webp"
        )  # mistake: HF302
        await process.wait()  # also: HF302
        await workflow.execute_activity(
            publish_picture, f"{name}.webp", start_to_close_timeout=timedelta(minutes=1)
        )
