"""HF718: every branch sees the last region, because the lambdas look at the variable when they run."""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def deploy(step: StepContext, region: str) -> str:
    return f"deployed to {region}"


@durable_execution
def handler(event: dict, context: DurableContext) -> list:
    branches = []
    for region in event["regions"]:
        branches.append(lambda child: child.step(deploy(region)))  # mistake: HF718
    return context.parallel(branches).get_results()
