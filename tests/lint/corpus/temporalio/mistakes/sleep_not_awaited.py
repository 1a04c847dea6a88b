"""HF702: nobody awaits the waiting period, so it does not happen."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def erase(account: str) -> None:
    activity.logger.info("erased %s", account)


@workflow.defn
class EraseAccount:
    @workflow.run
    async def run(self, account: str) -> None:
        workflow.sleep(timedelta(days=30))  # mistake: HF702
        await workflow.execute_activity(erase, account, start_to_close_timeout=timedelta(minutes=1))
