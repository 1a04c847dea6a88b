"""HF310: a lock for threads guards what two handlers of one run share, and would block the loop of both."""

import threading
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def write_ledger(entry: str) -> None:
    activity.logger.info(entry)


@workflow.defn
class Ledger:
    @workflow.run
    async def run(self, entries: list[str]) -> None:
        lock = threading.Lock()  # mistake: HF310
        for entry in entries:
            with lock:  # also: HF310
                await workflow.execute_activity(
                    write_ledger, entry, start_to_close_timeout=timedelta(minutes=1)
                )
