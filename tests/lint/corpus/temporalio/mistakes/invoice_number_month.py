"""HF103: `strftime` without a time takes the current one, and the invoice number with it."""

import time
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def store_invoice(number: str, cents: int) -> None:
    activity.logger.info("%s: %s", number, cents)


@workflow.defn
class IssueInvoice:
    @workflow.run
    async def run(self, sequence: int, cents: int) -> str:
        number = f"{time.strftime('%Y-%m')}-{sequence:05}"  # mistake: HF103
        await workflow.execute_activity(
            store_invoice, args=[number, cents], start_to_close_timeout=timedelta(seconds=30)
        )
        return number
