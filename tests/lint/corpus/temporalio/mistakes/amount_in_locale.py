"""HF208: the amount is written as the machine's locale likes it."""

import locale
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def print_receipt(text: str) -> None:
    activity.logger.info(text)


@workflow.defn
class Receipt:
    @workflow.run
    async def run(self, order: str, euros: int) -> str:
        decimal_point = locale.localeconv()["decimal_point"]  # mistake: HF208
        text = f"{order}: {euros}{decimal_point}00"
        await workflow.execute_activity(
            print_receipt, text, start_to_close_timeout=timedelta(minutes=1)
        )
        return text
