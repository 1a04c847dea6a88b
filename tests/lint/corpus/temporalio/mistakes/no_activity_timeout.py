"""HF705: an activity without a timeout is refused when the workflow runs."""

from temporalio import activity, workflow


@activity.defn
async def create_mailbox(name: str) -> None:
    activity.logger.info("mailbox for %s", name)


@workflow.defn
class Onboard:
    @workflow.run
    async def run(self, name: str) -> None:
        await workflow.execute_activity(create_mailbox, name)  # mistake: HF705
