import time
import uuid

import pytest
from aws_durable_execution_sdk_python import (
    DurableContext,
    durable_execution,
    durable_step,
    durable_wait_for_callback,
)
from aws_durable_execution_sdk_python.config import Duration, StepConfig


@durable_step
def fetch(step, key: str) -> str:
    time.sleep(1)
    return f"{key} {time.time()}"


@durable_wait_for_callback
def ask(callback_id: str, context, name: str) -> None:
    print(callback_id, time.time())


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    def submit(callback_id: str, _) -> None:
        time.sleep(1)
        print(callback_id)

    def check(state, _):
        return state or time.time()

    key = context.step(lambda _: str(uuid.uuid4()), name="key", config=StepConfig())
    context.wait_for_callback(submit, name="mail")
    context.wait_for_callback(ask("anna"))
    context.wait_for_condition(check, config=None)
    callback = context.create_callback(name="paid")
    callback.result()
    context.wait(Duration.from_minutes(5))
    context.logger.info("done")
    if not context.is_replaying():
        print("for the first time", time.time())
    return context.step(fetch(key))


@pytest.mark.durable_execution(handler=handler)
def test_handler(runner) -> None:
    assert time.time() < runner.run(str(uuid.uuid4()))
