"""HF301: the report is computed in a thread, beside the loop of the workflow."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def upload(report: str) -> None:
    activity.logger.info("%s characters", len(report))


def render(rows: list[str]) -> str:
    return "\n".join(rows)


@workflow.defn
class Report:
    @workflow.run
    async def run(self, rows: list[str]) -> None:
        report = await asyncio.to_thread(render, rows)  # mistake: HF301
        await workflow.execute_activity(upload, report, start_to_close_timeout=timedelta(minutes=1))
