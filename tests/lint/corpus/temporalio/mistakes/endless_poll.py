"""HF722: a loop without an end and without `continue_as_new` makes a history without an end."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def pull_orders(shop: str) -> int:
    return len(shop)


@workflow.defn
class PullOrders:
    @workflow.run
    async def run(self, shop: str) -> None:
        while True:  # mistake: HF722
            count = await workflow.execute_activity(
                pull_orders, shop, start_to_close_timeout=timedelta(minutes=1)
            )
            workflow.logger.info("%s orders", count)
            await workflow.sleep(timedelta(minutes=5))
