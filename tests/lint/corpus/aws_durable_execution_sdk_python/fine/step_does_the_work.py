"""Fine (HF204): the network, the clock and the environment are used inside steps."""

import os
from datetime import datetime

import requests
from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


def fetch(path: str) -> dict:
    return requests.get(os.environ["API"] + path, timeout=10).json()


@durable_step
def load(step: StepContext, customer: str) -> dict:
    step.logger.info("loading at %s", datetime.now())
    return fetch(f"/customers/{customer}")


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    customer = context.step(load(event["customer"]))
    return customer["name"]
