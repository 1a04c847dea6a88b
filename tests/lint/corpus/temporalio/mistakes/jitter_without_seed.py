"""HF112: a generator without a seed spreads the calls differently on every replay."""

import asyncio
from datetime import timedelta
from random import Random

from temporalio import activity, workflow


@activity.defn
async def call_partner(partner: str) -> None:
    activity.logger.info("calling %s", partner)


@workflow.defn
class CallPartners:
    @workflow.run
    async def run(self, partners: list[str]) -> None:
        dice = Random()  # mistake: HF112
        for partner in partners:
            await asyncio.sleep(dice.uniform(1, 30))
            await workflow.execute_activity(
                call_partner, partner, start_to_close_timeout=timedelta(minutes=1)
            )
