"""HF102: a deadline on a monotonic clock means nothing on the worker that replays the run."""

import asyncio
import time
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def is_parcel_delivered(parcel: str) -> bool:
    return parcel.endswith("!")


@workflow.defn
class TrackParcel:
    @workflow.run
    async def run(self, parcel: str) -> bool:
        started = workflow.now()
        deadline = time.monotonic() + 3600  # mistake: HF102
        while workflow.time() < deadline:
            if await workflow.execute_activity(
                is_parcel_delivered, parcel, start_to_close_timeout=timedelta(seconds=10)
            ):
                return True
            await asyncio.sleep(60)
        workflow.logger.info("gave up on %s, begun %s", parcel, started)
        return False
