"""HF702: the coroutine that would write the receipt is kept in a name and forgotten on the way out."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def take_payment(order: str) -> bool:
    return order != ""


@activity.defn
async def write_receipt(order: str) -> str:
    return f"receipt for {order}"


@workflow.defn
class Pay:
    @workflow.run
    async def run(self, order: str) -> str:
        receipt = workflow.execute_activity(  # mistake: HF702
            write_receipt, order, start_to_close_timeout=timedelta(minutes=1)
        )
        paid = await workflow.execute_activity(
            take_payment, order, start_to_close_timeout=timedelta(minutes=1)
        )
        if paid:
            return f"{order} paid"
        return f"{order} open"
