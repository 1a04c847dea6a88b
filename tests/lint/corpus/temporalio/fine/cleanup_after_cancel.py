"""Fine (HF714): a cancelled run may still await its clean-up, because a request to cancel is delivered once."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def start_machine(name: str) -> None:
    activity.logger.info("started %s", name)


@activity.defn
async def stop_machine(name: str) -> None:
    activity.logger.info("stopped %s", name)


@workflow.defn
class Session:
    @workflow.run
    async def run(self, machine: str, hours: int) -> None:
        await workflow.execute_activity(
            start_machine, machine, start_to_close_timeout=timedelta(minutes=5)
        )
        try:
            await workflow.sleep(timedelta(hours=hours))
        finally:
            await workflow.execute_activity(
                stop_machine, machine, start_to_close_timeout=timedelta(minutes=5)
            )
