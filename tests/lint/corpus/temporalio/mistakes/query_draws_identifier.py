"""HF728: a query takes a number from the run's own random numbers, so the run gets another one afterwards."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def publish(reference: str) -> None:
    activity.logger.info(reference)


@workflow.defn
class Publish:
    @workflow.query
    def preview_link(self) -> str:
        return f"https://example.org/preview/{workflow.uuid4()}"  # mistake: HF728 or HF717

    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(hours=1))
        reference = str(workflow.uuid4())
        await workflow.execute_activity(
            publish, reference, start_to_close_timeout=timedelta(minutes=1)
        )
        return reference
