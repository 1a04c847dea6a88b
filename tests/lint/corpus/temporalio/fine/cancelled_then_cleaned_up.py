"""Fine (HF711): what is swallowed is the failure of the clean-up; the cancellation itself is raised again."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError


@activity.defn
async def rent(car: str) -> None:
    activity.logger.info("rented %s", car)


@activity.defn
async def bring_back(car: str) -> None:
    activity.logger.info("%s is back", car)


@workflow.defn
class Rental:
    @workflow.run
    async def run(self, car: str, days: int) -> None:
        await workflow.execute_activity(rent, car, start_to_close_timeout=timedelta(minutes=1))
        try:
            await workflow.sleep(timedelta(days=days))
        except asyncio.CancelledError:
            try:
                await workflow.execute_activity(
                    bring_back, car, start_to_close_timeout=timedelta(minutes=1)
                )
            except ActivityError as error:
                workflow.logger.warning("%s is not back: %s", car, error)
            raise
