"""HF709: the activity takes an order and an amount, and is given the order alone."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def charge(order: str, cents: int) -> str:
    return f"{order}: {cents}"


@workflow.defn
class Charge:
    @workflow.run
    async def run(self, order: str, cents: int) -> str:
        workflow.logger.info("charging %s cents", cents)
        return await workflow.execute_activity(  # mistake: HF709
            charge, order, start_to_close_timeout=timedelta(minutes=1)
        )
