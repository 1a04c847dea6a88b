"""Fine (HF101): the time, the random numbers, the ids and the logger of the run replay."""

import asyncio
from datetime import timedelta

from holdfast import activity, workflow


@activity.define
async def send(reference: str, code: int) -> None: ...


@workflow.define
async def confirm(customer: str) -> str:
    begun = workflow.now()
    reference = f"{customer}-{workflow.uuid4()}"
    await send(reference, workflow.random().randint(1000, 9999))
    await asyncio.sleep(60)
    await workflow.sleep(timedelta(minutes=1))
    workflow.logger.info("%s took %s", reference, workflow.now() - begun)
    return reference
