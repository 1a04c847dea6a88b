"""Fine (HF101): `now`, `uuid4`, `random` and `time` of the workflow replay as they were."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def send_code(customer: str, code: int, reference: str) -> None:
    activity.logger.info("%s: %s", customer, reference)


@workflow.defn
class SendCode:
    @workflow.run
    async def run(self, customer: str) -> str:
        now = workflow.now()
        code = workflow.random().randint(100_000, 999_999)
        reference = f"{now:%Y%m%d}-{workflow.uuid4()}"
        await workflow.execute_activity(
            send_code, args=[customer, code, reference], start_to_close_timeout=timedelta(minutes=1)
        )
        workflow.logger.info("took %s seconds", workflow.time() - now.timestamp())
        return reference
