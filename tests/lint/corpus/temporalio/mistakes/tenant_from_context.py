"""HF506: the tenant is taken from a context variable that only web requests set."""

from contextvars import ContextVar
from datetime import timedelta

from temporalio import activity, workflow

current_tenant: ContextVar[str] = ContextVar("current_tenant", default="none")


@activity.defn
async def archive(tenant: str, document: str) -> None:
    activity.logger.info("%s: %s", tenant, document)


@workflow.defn
class Archive:
    @workflow.run
    async def run(self, document: str) -> str:
        tenant = current_tenant.get()  # mistake: HF506
        await workflow.execute_activity(
            archive, args=[tenant, document], start_to_close_timeout=timedelta(minutes=1)
        )
        return tenant
