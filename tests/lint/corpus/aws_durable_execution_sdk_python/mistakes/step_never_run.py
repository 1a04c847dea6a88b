"""HF702: calling a durable step only makes it; nobody gives it to the context."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def charge(step: StepContext, order: str) -> str:
    return f"charged {order}"


@durable_step
def ship(step: StepContext, order: str) -> str:
    return f"shipped {order}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    charge(event["order"])  # mistake: HF702
    return context.step(ship(event["order"]))
