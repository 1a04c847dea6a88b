"""HF111: a tenth of the orders goes to the new service, and each replay draws again."""

import random

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    canary = random.random() < 0.1  # mistake: HF111 or HF124
    context.wait(Duration.from_seconds(30))
    target = "orders-canary" if canary else "orders"
    return context.invoke(target, event)
