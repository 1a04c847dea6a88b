"""Fine (HF602): the logger of the context is quiet while the handler is replayed."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def ship(step: StepContext, order: str) -> str:
    step.logger.info("shipping %s", order)
    return f"shipped {order}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    context.logger.info("received %s", event["order"])
    return context.step(ship(event["order"]))
