"""Fine (HF103): the same functions with a time that is given to them are pure."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

from temporalio import activity, workflow


@activity.defn
async def send(subject: str, date: str) -> None:
    activity.logger.info("%s (%s)", subject, date)


@workflow.defn
class Invoice:
    @workflow.run
    async def run(self, seconds: int) -> str:
        due = datetime.fromtimestamp(seconds, UTC) + timedelta(days=14)
        month = time.strftime("%Y-%m", due.timetuple())
        header = formatdate(workflow.time())
        await workflow.execute_activity(
            send, args=[f"invoice {month}", header], start_to_close_timeout=timedelta(minutes=1)
        )
        return due.astimezone(UTC).isoformat()
