"""HF301: steps are started from threads, and number themselves in the order of chance."""

from concurrent.futures import ThreadPoolExecutor

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def resize(step: StepContext, picture: str) -> str:
    return f"small-{picture}"


@durable_execution
def handler(event: dict, context: DurableContext) -> list:
    with ThreadPoolExecutor(max_workers=4) as pool:  # mistake: HF301
        return list(
            pool.map(lambda name: context.step(resize(name)), event["pictures"])
        )  # also: HF301 or HF311
