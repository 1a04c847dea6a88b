"""Fine (HF102): the duration is measured for a line of the log, and decides nothing."""

import time

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def convert(step: StepContext, video: str) -> str:
    return f"{video}.mp4"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    begun = time.perf_counter()
    video = context.step(convert(event["video"]))
    context.logger.info("converted in %.1f s", time.perf_counter() - begun)
    return video
