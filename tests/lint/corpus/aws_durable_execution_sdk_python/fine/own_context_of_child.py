"""Fine (HF704): each child uses the context that it is given, though it has the name of the outer one."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
    durable_with_child_context,
)


@durable_step
def bill(step: StepContext, order: str) -> str:
    return f"billed {order}"


@durable_with_child_context
def settle(context: DurableContext, order: str) -> str:
    return context.step(bill(order))


@durable_execution
def handler(event: dict, context: DurableContext) -> list:
    def each(context: DurableContext, order: str, index: int, orders: list) -> str:
        return context.step(bill(order))

    first = context.run_in_child_context(settle(event["first"]))
    return [first, *context.map(event["orders"], each).get_results()]
