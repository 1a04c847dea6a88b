"""HF710: the activity was renamed, and the string that names it was not."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker


@activity.defn(name="verify_identity_v2")
async def verify_identity(customer: str) -> bool:
    return customer != ""


@workflow.defn
class OpenAccount:
    @workflow.run
    async def run(self, customer: str) -> bool:
        return await workflow.execute_activity(  # mistake: HF710
            "verify_identity", customer, start_to_close_timeout=timedelta(minutes=1)
        )


async def serve(client: Client) -> None:
    await Worker(
        client, task_queue="accounts", workflows=[OpenAccount], activities=[verify_identity]
    ).run()
