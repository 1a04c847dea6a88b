"""HF121: the number of the order is made outside a step, and changes after the first wait."""

import uuid

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def save(step: StepContext, number: str, items: list) -> None:
    step.logger.info("saving %s with %s items", number, len(items))


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    number = str(uuid.uuid4())  # mistake: HF121
    context.step(save(number, event["items"]))
    context.wait(Duration.from_days(1))
    return {"number": number}
