"""Fine (HF101): what the functions given to `step` do is recorded, be they lambdas or named."""

import time
import uuid

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    def make_number(step: StepContext) -> str:
        return f"{event['shop']}-{uuid.uuid4()}"

    started = context.step(lambda _: time.time(), name="started")
    number = context.step(make_number)
    return {"number": number, "started": started}
