"""HF304: `asyncio.as_completed` hands results out in the order of a set."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def check_supplier(supplier: str) -> str:
    return f"{supplier}: fine"


@activity.defn
async def notify(text: str) -> None:
    activity.logger.info(text)


@workflow.defn
class CheckSuppliers:
    @workflow.run
    async def run(self, suppliers: list[str]) -> None:
        checks = [
            workflow.execute_activity(
                check_supplier, name, start_to_close_timeout=timedelta(minutes=1)
            )
            for name in suppliers
        ]
        for check in asyncio.as_completed(checks):  # mistake: HF304
            await workflow.execute_activity(
                notify, await check, start_to_close_timeout=timedelta(minutes=1)
            )
