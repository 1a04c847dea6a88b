"""HF123: `hash` of a string differs between processes, so a customer changes sides of the experiment."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def old_checkout(customer: str) -> None:
    activity.logger.info("old checkout for %s", customer)


@activity.defn
async def new_checkout(customer: str) -> None:
    activity.logger.info("new checkout for %s", customer)


@workflow.defn
class Checkout:
    @workflow.run
    async def run(self, customer: str) -> str:
        bucket = hash(customer) % 2  # mistake: HF123 or HF124
        chosen = new_checkout if bucket else old_checkout
        await workflow.execute_activity(
            chosen, customer, start_to_close_timeout=timedelta(minutes=1)
        )
        return chosen.__name__
