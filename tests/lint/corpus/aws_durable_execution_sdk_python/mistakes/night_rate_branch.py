"""HF101: which step runs depends on the hour at which the handler happens to be replayed."""

from datetime import datetime

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def charge(step: StepContext, meter: str, cents: int) -> str:
    return f"{meter}: {cents}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    context.wait(Duration.from_minutes(30))
    hour = datetime.now().hour  # mistake: HF101 or HF124
    if hour < 6:  # also: HF101 or HF124
        return context.step(charge(event["meter"], 12))
    return context.step(charge(event["meter"], 31))
