"""HF207: the switch for a dry run is read from the command line of the worker."""

import sys
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def delete_account(account: str) -> None:
    activity.logger.info("deleted %s", account)


@workflow.defn
class CloseAccount:
    @workflow.run
    async def run(self, account: str) -> bool:
        if "--dry-run" in sys.argv:  # mistake: HF207
            return False
        await workflow.execute_activity(
            delete_account, account, start_to_close_timeout=timedelta(minutes=1)
        )
        return True
