"""HF101: the late fee depends on the clock of the worker that happens to run the workflow."""

from datetime import date, datetime, timedelta

from temporalio import activity, workflow

TIMEOUT = timedelta(minutes=1)


@activity.defn
async def charge_fee(invoice: str, cents: int) -> None:
    activity.logger.info("charging %s for %s", cents, invoice)


@workflow.defn
class CollectInvoice:
    @workflow.run
    async def run(self, invoice: str, due: str) -> int:
        days_late = (datetime.now().date() - date.fromisoformat(due)).days  # mistake: HF101
        fee = max(0, days_late) * 50
        if fee:
            await workflow.execute_activity(
                charge_fee, args=[invoice, fee], start_to_close_timeout=TIMEOUT
            )
        return fee
