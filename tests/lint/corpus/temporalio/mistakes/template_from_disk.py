"""HF203: the text of a letter is read from the disk of whichever worker runs the workflow."""

import io
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def post_letter(address: str, text: str) -> None:
    activity.logger.info("letter to %s, %s characters", address, len(text))


@workflow.defn
class Dunning:
    @workflow.run
    async def run(self, address: str, level: int) -> None:
        with io.open(__file__, encoding="utf-8") as template:  # mistake: HF203
            text = template.read().replace("LEVEL", str(level))
        await workflow.execute_activity(
            post_letter, args=[address, text[:80]], start_to_close_timeout=timedelta(minutes=1)
        )
