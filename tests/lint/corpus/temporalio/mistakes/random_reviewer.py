"""HF111: the reviewer is drawn from the generator of the process."""

import random
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def assign(ticket: str, reviewer: str) -> None:
    activity.logger.info("%s goes to %s", ticket, reviewer)


@workflow.defn
class Triage:
    @workflow.run
    async def run(self, ticket: str, reviewers: list[str]) -> str:
        reviewer = random.choice(reviewers)  # mistake: HF111
        await workflow.execute_activity(
            assign, args=[ticket, reviewer], start_to_close_timeout=timedelta(seconds=30)
        )
        return reviewer
