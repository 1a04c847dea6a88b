"""Sleeping that blocks the worker."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF305",
    name="blocking-sleep",
    what=(
        "A workflow sleeps with `time.sleep()`, or with the sleep of another event loop, or waits for another thread "
        "with the events, conditions and queues of `threading` and `queue`."
    ),
    why=(
        "It holds a worker for the whole time, starts from the beginning after a crash, and sleeps again in "
        "every replay. A durable timer waits in the database."
    ),
    check=effects("HF305", "{name} blocks the worker and waits again in every replay"),
    bad=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    time.sleep(60)
    return customer
""",
        """\
from time import sleep as pause

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    pause(60)
    return customer
""",
    ),
    good=(
        """\
import asyncio

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    await asyncio.sleep(60)
    return customer
""",
        """\
import time
from datetime import timedelta

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    time.sleep(1)
    return customer


@workflow.define
async def order(customer: str) -> str:
    await workflow.sleep(timedelta(minutes=1))
    return await look_up(customer)
""",
    ),
)
