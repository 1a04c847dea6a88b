"""HF503: the total is added up inside the steps, which are not run again on replay."""

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    total = 0

    def book(step: StepContext) -> str:
        nonlocal total
        total += event["cents"]  # mistake: HF503
        return f"booked {event['order']}"

    receipt = context.step(book)
    return {"receipt": receipt, "total": total}
