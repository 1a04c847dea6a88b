"""HF703: a step waits with the context of the handler; durable operations do not nest."""

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    def poll(step: StepContext) -> str:
        for _ in range(3):
            context.wait(Duration.from_seconds(10))  # mistake: HF703 or HF704
        return "polled"

    return context.step(poll, name="poll")
