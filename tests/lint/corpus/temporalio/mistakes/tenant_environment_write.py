"""HF202: the workflow hands the tenant to a library by changing the environment of the whole worker."""

import os
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def export(tenant: str) -> str:
    return f"{tenant}.csv"


@workflow.defn
class ExportTenant:
    @workflow.run
    async def run(self, tenant: str) -> str:
        os.environ["REPORT_TENANT"] = tenant  # mistake: HF202
        return await workflow.execute_activity(
            export, tenant, start_to_close_timeout=timedelta(minutes=10)
        )
