"""HF602: the standard logger writes each line again on every replay."""

import logging

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)

logger = logging.getLogger()


@durable_step
def ship(step: StepContext, order: str) -> str:
    return f"shipped {order}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    logger.info("shipping %s", event["order"])  # mistake: HF602
    return context.step(ship(event["order"]))
