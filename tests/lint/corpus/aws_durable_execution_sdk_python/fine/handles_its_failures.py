"""Fine (HF712): failed steps are handled by their class, and everything else is raised again."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    StepError,
    durable_execution,
    durable_step,
)


@durable_step
def charge(step: StepContext, card: str) -> str:
    return f"charged {card}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    try:
        return context.step(charge(event["card"]))
    except StepError as error:
        context.logger.warning("first card: %s", error)
    try:
        return context.step(charge(event["second_card"]))
    except BaseException:
        context.logger.warning("leaving with the second card")
        raise
