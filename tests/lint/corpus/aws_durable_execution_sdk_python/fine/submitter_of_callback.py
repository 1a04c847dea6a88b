"""Fine (HF204): the submitter of a callback runs in a step of its own, and the callback has a timeout."""

import time

import requests
from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig
from aws_durable_execution_sdk_python.types import WaitForCallbackContext


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    def submit(callback_id: str, submitting: WaitForCallbackContext) -> None:
        requests.put(
            f"https://approvals.example.org/{callback_id}",
            json={"asked": time.time(), "expense": event["expense"]},
            timeout=10,
        )

    config = WaitForCallbackConfig(timeout=Duration.from_days(2))
    return context.wait_for_callback(submit, name="approval", config=config)
