"""Fine (HF401): the set is sorted, or walked through a dictionary that keeps the order of the event."""

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
    blocked = set(event["blocked"])
    for address in sorted(set(event["to"]) - blocked):
        context.step(notify(address))
    for address in dict.fromkeys(event["cc"]):
        if address not in blocked:
            context.step(notify(address))
    return len(blocked)
