"""HF124 or HF101: the step has another name each time it is replayed."""

from datetime import datetime

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def snapshot(step: StepContext, table: str) -> str:
    return f"snapshot of {table}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    return context.step(
        snapshot(event["table"]), name=f"snapshot-{datetime.utcnow():%H%M}"
    )  # mistake: HF124 or HF101
