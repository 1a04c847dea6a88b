"""HF305: the function is paid for while it sleeps, and sleeps again on every replay."""

import time

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def is_ready(step: StepContext, job: str) -> bool:
    return job.endswith("done")


@durable_execution
def handler(event: dict, context: DurableContext) -> bool:
    for _ in range(5):
        if context.step(is_ready(event["job"])):
            return True
        time.sleep(60)  # mistake: HF305
    return False
