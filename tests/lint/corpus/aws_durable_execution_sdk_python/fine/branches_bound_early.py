"""Fine (HF718): each branch keeps its own region, as a default argument or through `partial`."""

from functools import partial

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def deploy(step: StepContext, region: str) -> str:
    return f"deployed to {region}"


def branch(region: str, child: DurableContext) -> str:
    return child.step(deploy(region))


@durable_execution
def handler(event: dict, context: DurableContext) -> list:
    branches = []
    for region in event["regions"]:
        branches.append(lambda child, region=region: child.step(deploy(region)))
        branches.append(partial(branch, f"{region}-standby"))
    return context.parallel(branches).get_results()
