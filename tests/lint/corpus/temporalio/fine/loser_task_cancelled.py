"""Fine (HF711): the cancellation that is swallowed is that of a task the workflow itself has cancelled."""

import asyncio
import contextlib
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def remind(customer: str) -> None:
    activity.logger.info("reminding %s", customer)


@workflow.defn
class AwaitPayment:
    def __init__(self) -> None:
        self.paid = False

    @workflow.signal
    def payment_arrived(self, cents: int) -> None:
        self.paid = cents > 0

    async def remind_daily(self, customer: str) -> None:
        for _ in range(13):
            await workflow.sleep(timedelta(days=1))
            await workflow.execute_activity(
                remind, customer, start_to_close_timeout=timedelta(minutes=1)
            )

    @workflow.run
    async def run(self, customer: str) -> str:
        reminders = asyncio.create_task(self.remind_daily(customer))
        try:
            await workflow.wait_condition(lambda: self.paid, timeout=timedelta(days=14))
        except asyncio.TimeoutError:
            outcome = "overdue"
        else:
            outcome = "paid"
        reminders.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reminders
        return outcome
