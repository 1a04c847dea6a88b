"""HF724: two withdrawals read the balance, wait, and each write what they had read."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def approve(cents: int) -> bool:
    return cents < 100_000


@workflow.defn
class Account:
    def __init__(self) -> None:
        self.balance = 0
        self.closed = False

    @workflow.update
    async def withdraw(self, cents: int) -> int:  # also: HF724
        before = self.balance  # also: HF724
        if await workflow.execute_activity(
            approve, cents, start_to_close_timeout=timedelta(minutes=1)
        ):
            self.balance = before - cents  # mistake: HF724
        return self.balance

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.run
    async def run(self, opening: int) -> int:
        self.balance = opening
        await workflow.wait_condition(
            lambda: self.closed and workflow.all_handlers_finished(), timeout=timedelta(days=30)
        )
        return self.balance
