"""HF209: which code runs is decided by a name while the workflow runs."""

import importlib
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def publish(text: str) -> None:
    activity.logger.info(text)


@workflow.defn
class Publish:
    @workflow.run
    async def run(self, text: str) -> None:
        wrapper = importlib.import_module("textwrap")  # mistake: HF209
        await workflow.execute_activity(
            publish, wrapper.shorten(text, 40), start_to_close_timeout=timedelta(minutes=1)
        )
