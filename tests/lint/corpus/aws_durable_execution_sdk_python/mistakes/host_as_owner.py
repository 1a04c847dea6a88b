"""HF122: the lock is taken in the name of the machine, and released in the name of another."""

import socket

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def lock(step: StepContext, table: str, owner: str) -> bool:
    return table != owner


@durable_step
def unlock(step: StepContext, table: str, owner: str) -> None:
    step.logger.info("%s releases %s", owner, table)


@durable_execution
def handler(event: dict, context: DurableContext) -> None:
    owner = socket.gethostname()  # mistake: HF122
    context.step(lock(event["table"], owner))
    context.wait(Duration.from_minutes(10))
    context.step(unlock(event["table"], owner))
