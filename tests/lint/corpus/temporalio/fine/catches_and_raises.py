"""Fine (HF712): handlers that catch everything raise again on every path."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError, ApplicationError


@activity.defn
async def reserve(item: str) -> None:
    activity.logger.info("reserved %s", item)


@activity.defn
async def release(item: str) -> None:
    activity.logger.info("released %s", item)


@workflow.defn
class Reserve:
    @workflow.run
    async def run(self, item: str) -> None:
        try:
            await workflow.execute_activity(
                reserve, item, start_to_close_timeout=timedelta(minutes=1)
            )
            await workflow.sleep(timedelta(hours=1))
        except ActivityError as error:
            raise ApplicationError(f"cannot reserve {item}") from error
        except BaseException:
            workflow.logger.warning("giving %s back", item)
            await asyncio.shield(
                workflow.execute_activity(
                    release, item, start_to_close_timeout=timedelta(minutes=1)
                )
            )
            raise
