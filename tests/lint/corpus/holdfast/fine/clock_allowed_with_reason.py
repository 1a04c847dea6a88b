"""Fine (HF101): the clock is read for a message, under `unsafe`, which says why."""

import time

from holdfast import activity, workflow


@activity.define
async def work(job: str) -> str: ...


@workflow.define
async def timed(job: str) -> str:
    done = await work(job)
    with workflow.unsafe("operators compare it with the clock of the worker"):
        workflow.logger.info("%s was done at %s", job, time.time())
    return done
