"""HF716: a query changes the state that the run decides by."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def escalate(ticket: str) -> None:
    activity.logger.info("escalated %s", ticket)


@workflow.defn
class Ticket:
    def __init__(self) -> None:
        self.looked_at = 0

    @workflow.query
    def status(self) -> str:
        self.looked_at += 1  # mistake: HF716
        return "open"

    @workflow.run
    async def run(self, ticket: str) -> bool:
        await workflow.sleep(timedelta(hours=4))
        if self.looked_at:
            return False
        await workflow.execute_activity(
            escalate, ticket, start_to_close_timeout=timedelta(minutes=1)
        )
        return True
