"""Fine (HF808): the patch is asked for once, before the loop, and both branches are kept."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def bill(month: int, tax: bool) -> None:
    activity.logger.info("month %s, tax: %s", month, tax)


@workflow.defn
class Subscription:
    @workflow.run
    async def run(self, months: int) -> None:
        with_tax = workflow.patched("tax-2026")
        for month in range(months):
            await workflow.execute_activity(
                bill, args=[month, with_tax], start_to_close_timeout=timedelta(minutes=1)
            )
            await workflow.sleep(timedelta(days=30))
