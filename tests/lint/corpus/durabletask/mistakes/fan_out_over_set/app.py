from collections.abc import Generator
from typing import Any

from durabletask import task, worker

from fan_out_over_set.regions import deploy, deployments


def roll_out(
    ctx: task.OrchestrationContext, regions: list[str]
) -> Generator[task.Task[Any], Any, int]:
    done = yield task.when_all(deployments(ctx, regions))
    return len(done)


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(roll_out)
    hub.add_activity(deploy)
