"""HF808: the answer of `patched` is remembered, so a run that is in the loop never takes the new branch."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def bill(month: int) -> None:
    activity.logger.info("month %s", month)


@activity.defn
async def bill_with_tax(month: int) -> None:
    activity.logger.info("month %s, with tax", month)


@workflow.defn
class Subscription:
    @workflow.run
    async def run(self, months: int) -> None:
        for month in range(months):
            if workflow.patched("tax"):  # mistake: HF808
                chosen = bill_with_tax
            else:
                chosen = bill
            await workflow.execute_activity(
                chosen, month, start_to_close_timeout=timedelta(minutes=1)
            )
            await workflow.sleep(timedelta(days=30))
