"""Fine (HF401): the fan-out follows a sorted list; the set only takes duplicates away."""

from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def deploy(ctx: task.ActivityContext, region: str) -> str:
    return f"deployed to {region}"


def roll_out(
    ctx: task.OrchestrationContext, regions: list[str]
) -> Generator[task.Task[Any], Any, int]:
    names = sorted({region.lower() for region in regions})
    done = yield task.when_all([ctx.call_activity(deploy, input=name) for name in names])
    return len(done)


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(roll_out)
    hub.add_activity(deploy)
