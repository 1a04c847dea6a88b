"""HF101: the time in the result is that of the last invocation, not that of the order."""

import time

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def reserve(step: StepContext, order: str) -> str:
    return f"reserved {order}"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    started = time.time()  # mistake: HF101
    reservation = context.step(reserve(event["order"]))
    return {"reservation": reservation, "started": started}
