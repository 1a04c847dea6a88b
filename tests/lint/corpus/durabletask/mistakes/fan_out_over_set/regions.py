from typing import Any

from durabletask import task


def deploy(ctx: task.ActivityContext, region: str) -> str:
    return f"deployed to {region}"


def deployments(ctx: task.OrchestrationContext, regions: list[str]) -> list[task.Task[Any]]:
    return [
        ctx.call_activity(deploy, input=region) for region in {*regions, "eu-west"}
    ]  # mistake: HF401
