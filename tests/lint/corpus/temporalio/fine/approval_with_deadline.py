"""Fine (HF901): the wait for a person has a deadline, and running out of it has a branch of its own."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def tell(person: str, outcome: str) -> None:
    activity.logger.info("%s: %s", person, outcome)


@workflow.defn
class HolidayRequest:
    def __init__(self) -> None:
        self.decision: bool | None = None
        self.status = "not asked yet"

    @workflow.signal
    def decide(self, manager: str, approved: bool) -> None:
        self.decision = approved
        self.status = f"decided by {manager}"

    @workflow.query
    def state(self) -> str:
        return self.status

    @workflow.run
    async def run(self, employee: str) -> str:
        self.status = f"waiting for the manager of {employee}"
        try:
            await workflow.wait_condition(
                lambda: self.decision is not None, timeout=timedelta(days=2)
            )
        except asyncio.TimeoutError:
            outcome = "nobody answered; ask again"
        else:
            outcome = "approved" if self.decision else "rejected"
        await workflow.execute_activity(
            tell, args=[employee, outcome], start_to_close_timeout=timedelta(minutes=1)
        )
        return outcome
