"""HF704: the child has a context of its own, and its steps are taken from the outer one."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def bill(step: StepContext, order: str) -> str:
    return f"billed {order}"


@durable_execution
def handler(event: dict, context: DurableContext) -> list:
    def each(child: DurableContext, order: str, index: int, orders: list) -> str:
        return context.step(bill(order))  # mistake: HF704

    return context.map(event["orders"], each).get_results()
