"""HF711: a cancelled run cleans up and then goes on as if nothing had happened."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def hold_room(room: str) -> None:
    activity.logger.info("held %s", room)


@activity.defn
async def bill(room: str) -> None:
    activity.logger.info("billed %s", room)


@workflow.defn
class Stay:
    @workflow.run
    async def run(self, room: str, nights: int) -> None:
        await workflow.execute_activity(
            hold_room, room, start_to_close_timeout=timedelta(minutes=1)
        )
        try:
            await workflow.sleep(timedelta(days=nights))
        except asyncio.CancelledError:  # mistake: HF711
            workflow.logger.info("left early")
        await workflow.execute_activity(bill, room, start_to_close_timeout=timedelta(minutes=1))
