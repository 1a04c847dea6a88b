"""HF104 or HF105: whether the shop is open depends on the time zone of the machine."""

from datetime import datetime, timedelta

from temporalio import activity, workflow


@activity.defn
async def ring(shop: str) -> None:
    activity.logger.info("calling %s", shop)


@workflow.defn
class CallShop:
    @workflow.run
    async def run(self, shop: str) -> bool:
        local = datetime.fromtimestamp(workflow.time())  # mistake: HF104 or HF105
        if not 9 <= local.hour < 18:
            return False
        await workflow.execute_activity(ring, shop, start_to_close_timeout=timedelta(minutes=5))
        return True
