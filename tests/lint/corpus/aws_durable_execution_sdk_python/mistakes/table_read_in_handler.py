"""HF204 or HF205: the handler reads a DynamoDB table itself, again on every replay."""

import boto3
from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)

table = boto3.resource("dynamodb").Table("customers")


@durable_step
def write_letter(step: StepContext, name: str) -> str:
    return f"Dear {name}"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    found = table.get_item(Key={"id": event["customer"]})  # mistake: HF204 or HF205
    return context.step(write_letter(found["Item"]["name"]))
