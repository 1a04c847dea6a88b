"""HF601: the event is printed again each time the handler starts over."""

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    print("received", event)  # mistake: HF601
    context.wait(Duration.from_hours(1))
    return "done"
