"""HF305: the cooling-off period blocks the thread of the worker."""

import time
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def sign(contract: str) -> None:
    activity.logger.info("signed %s", contract)


@workflow.defn
class SignContract:
    @workflow.run
    async def run(self, contract: str, seconds: int) -> None:
        time.sleep(seconds)  # mistake: HF305
        await workflow.execute_activity(sign, contract, start_to_close_timeout=timedelta(minutes=1))
