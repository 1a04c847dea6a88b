"""HF401: steps are numbered by their order, and here a set decides it."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def notify(step: StepContext, address: str) -> None:
    step.logger.info("mail to %s", address)


@durable_execution
def handler(event: dict, context: DurableContext) -> int:
    addresses = frozenset(event["to"]) | frozenset(event["cc"])
    for address in addresses:  # mistake: HF401
        context.step(notify(address))
    return len(addresses)
