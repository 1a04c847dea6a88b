"""HF205: the stock is looked up in a database from within the workflow."""

import sqlite3
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def reserve(article: str) -> None:
    activity.logger.info("reserved %s", article)


@workflow.defn
class Reserve:
    @workflow.run
    async def run(self, article: str) -> bool:
        connection = sqlite3.connect(":memory:")  # also: HF205
        rows = connection.execute("SELECT ?", (article,)).fetchall()  # mistake: HF205
        if not rows:
            return False
        await workflow.execute_activity(
            reserve, article, start_to_close_timeout=timedelta(minutes=1)
        )
        return True
