"""HF901: the run waits for a manager, for ever if need be."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def pay_out(expense: str) -> None:
    activity.logger.info("paid %s", expense)


@workflow.defn
class ExpenseApproval:
    def __init__(self) -> None:
        self.approved_by: str | None = None

    @workflow.signal
    def approve(self, manager: str) -> None:
        self.approved_by = manager

    @workflow.run
    async def run(self, expense: str) -> str | None:
        await workflow.wait_condition(lambda: self.approved_by is not None)  # mistake: HF901
        await workflow.execute_activity(
            pay_out, expense, start_to_close_timeout=timedelta(minutes=1)
        )
        return self.approved_by
