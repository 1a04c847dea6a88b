"""HF901: the callback of an approval has no timeout, so a forgotten mail keeps the run open."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def ask_manager(step: StepContext, callback: str, expense: str) -> None:
    step.logger.info("asking about %s, answer to %s", expense, callback)


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    approval = context.create_callback(name="manager-approval")  # mistake: HF901
    context.step(ask_manager(approval.callback_id, event["expense"]))
    return approval.result()  # also: HF901
