"""HF203: what is written to /tmp before the wait is gone after it."""

from pathlib import Path

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def upload(step: StepContext, name: str) -> str:
    return f"s3://reports/{name}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    scratch = Path("/tmp") / f"{event['report']}.csv"
    scratch.write_text("\n".join(event["rows"]))  # mistake: HF203
    return context.step(upload(scratch.name))
