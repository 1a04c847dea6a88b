from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)

from stage_from_settings.config import queue_name


@durable_step
def put(step: StepContext, queue: str, body: str) -> None:
    step.logger.info("to %s: %s", queue, body)


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    queue = queue_name(event["kind"])
    context.step(put(queue, event["body"]))
    return queue
