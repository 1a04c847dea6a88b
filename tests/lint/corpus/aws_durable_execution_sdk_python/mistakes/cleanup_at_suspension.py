"""HF714: `finally` is run when the function is suspended, so the machine is stopped while the job still waits."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def start(step: StepContext, machine: str) -> None:
    step.logger.info("starting %s", machine)


@durable_step
def stop(step: StepContext, machine: str) -> None:
    step.logger.info("stopping %s", machine)


@durable_execution
def handler(event: dict, context: DurableContext) -> None:
    context.step(start(event["machine"]))
    try:
        context.wait(Duration.from_hours(2))
    finally:
        context.step(stop(event["machine"]))  # mistake: HF714
