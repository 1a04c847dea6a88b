from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from renewal_clock.terms import next_period


@activity.defn
async def send_offer(customer: str, until: str) -> None:
    activity.logger.info("offer to %s until %s", customer, until)


@workflow.defn
class Renewal:
    @workflow.run
    async def run(self, customer: str, months: int) -> str:
        until = next_period(months)
        await workflow.execute_activity(
            send_offer, args=[customer, until], start_to_close_timeout=timedelta(minutes=1)
        )
        return until
