"""HF903: a manager who did not answer in time is treated as one who said no."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def reject(request: str) -> None:
    activity.logger.info("rejected %s", request)


@workflow.defn
class HolidayRequest:
    def __init__(self) -> None:
        self.approved = False

    @workflow.signal
    def approve(self, manager: str) -> None:
        self.approved = manager != ""

    @workflow.run
    async def run(self, request: str) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self.approved, timeout=timedelta(days=2)
            )  # also: HF903
        except asyncio.TimeoutError:  # mistake: HF903
            pass
        if not self.approved:  # also: HF903
            await workflow.execute_activity(
                reject, request, start_to_close_timeout=timedelta(minutes=1)
            )
        return self.approved
