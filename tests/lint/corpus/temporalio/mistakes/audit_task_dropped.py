"""HF308: the audit runs in a task that nobody keeps or awaits, so its failure is never seen."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def move_money(transfer: str) -> None:
    activity.logger.info("moved %s", transfer)


@activity.defn
async def audit(transfer: str) -> None:
    activity.logger.info("audited %s", transfer)


@workflow.defn
class Transfer:
    @workflow.run
    async def run(self, transfer: str) -> None:
        asyncio.create_task(self.note(transfer))  # mistake: HF308
        await workflow.execute_activity(
            move_money, transfer, start_to_close_timeout=timedelta(minutes=1)
        )

    async def note(self, transfer: str) -> None:
        await workflow.execute_activity(
            audit, transfer, start_to_close_timeout=timedelta(minutes=1)
        )
