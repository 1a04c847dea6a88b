import asyncio
import time
from datetime import timedelta

from holdfast import activity, workflow
from holdfast.workflow import define as durable


@activity.define
async def charge(amount: int) -> float:
    return time.time()


@workflow.define(name="plain")
async def order(amount: int) -> float:
    child = workflow.start_child(plain, amount)
    child.result()  # finds HF702
    workflow.sleep(timedelta(seconds=1))  # finds HF702
    with workflow.unsafe("shown to people only"):
        time.time()
    await workflow.map(helper, [1, 2])
    await asyncio.sleep(1)
    return await charge.with_options(timeout=None)(amount)


@durable
async def plain(amount: int) -> None:
    time.time()  # finds HF101


async def helper(amount: int) -> None:
    time.time()  # finds HF101
