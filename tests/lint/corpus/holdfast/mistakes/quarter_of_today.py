"""HF103: `gmtime` without a time is the current one, and the report covers whichever quarter it is on replay."""

import time

from holdfast import activity, workflow


@activity.define
async def report(year: int, quarter: int) -> str: ...


@workflow.define
async def quarterly() -> str:
    today = time.gmtime()  # mistake: HF103
    return await report(today.tm_year, (today.tm_mon + 2) // 3)
