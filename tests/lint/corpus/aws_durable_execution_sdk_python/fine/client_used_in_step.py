"""Fine (HF507): a client is made when the module is loaded, and used by a step alone."""

import boto3
from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)

table = boto3.resource("dynamodb").Table("customers")
CURRENCIES = {"de": "EUR", "us": "USD"}


@durable_step
def load_name(step: StepContext, customer: str) -> str:
    return table.get_item(Key={"id": customer})["Item"]["name"]


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    name = context.step(load_name(event["customer"]))
    return f"{name} pays in {CURRENCIES[event['country']]}"
