"""HF307: an open-ended computation holds the worker, without an await in it."""

import hashlib
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def submit(block: str, nonce: int) -> None:
    activity.logger.info("%s: %s", block, nonce)


@workflow.defn
class Mine:
    @workflow.run
    async def run(self, block: str, zeros: int) -> int:
        nonce = 0
        while (
            not hashlib.sha256(f"{block}{nonce}".encode()).hexdigest().startswith("0" * zeros)
        ):  # mistake: HF307
            nonce += 1
        await workflow.execute_activity(
            submit, args=[block, nonce], start_to_close_timeout=timedelta(minutes=1)
        )
        return nonce
