"""A reminder that holds its worker for an hour."""

import asyncio
import time
from datetime import timedelta
from time import sleep as pause

from holdfast import activity, workflow


@activity.define
def remind(customer: str) -> None:
    time.sleep(1)


@workflow.define
async def reminders(customer: str) -> None:
    time.sleep(3600)  # mistake: HF305
    await remind(customer)
    pause(60 * 60)  # mistake: HF305
    await asyncio.sleep(60 * 60)
    workflow.sleep(timedelta(hours=1))  # mistake: HF702
    await remind(customer)
