"""HF401: refunds are started in the order of a set of strings."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def refund(order: str) -> None:
    activity.logger.info("refunded %s", order)


@workflow.defn
class RefundAll:
    @workflow.run
    async def run(self, orders: list[str]) -> int:
        unique = {order.strip().upper() for order in orders}
        for order in unique:  # mistake: HF401
            await workflow.execute_activity(
                refund, order, start_to_close_timeout=timedelta(minutes=1)
            )
        return len(unique)
