"""HF206: the workflow asks git for the revision it should deploy."""

import subprocess
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def deploy(service: str, revision: str) -> None:
    activity.logger.info("%s at %s", service, revision)


@workflow.defn
class Deploy:
    @workflow.run
    async def run(self, service: str) -> str:
        told = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True
        )  # mistake: HF206
        revision = told.stdout.strip()
        await workflow.execute_activity(
            deploy, args=[service, revision], start_to_close_timeout=timedelta(minutes=5)
        )
        return revision
