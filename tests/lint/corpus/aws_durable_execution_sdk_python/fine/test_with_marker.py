"""Fine (HF101): the marker of a test ends in the name of the decorator, and is not it."""

import time
import uuid

import pytest


@pytest.mark.durable_execution(handler="orders.handler", lambda_function_name="orders")
def test_order_is_shipped(durable_runner) -> None:
    started = time.time()
    result = durable_runner.run(input={"order": str(uuid.uuid4())}, timeout=30)
    print(f"took {time.time() - started} s")
    assert result.status == "SUCCEEDED"
