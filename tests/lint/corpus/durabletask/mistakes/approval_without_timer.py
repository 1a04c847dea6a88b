"""HF901: the orchestration waits for an approval that may never come, without a timer beside it."""

from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def pay(ctx: task.ActivityContext, expense: str) -> str:
    return f"paid {expense}"


def approve(ctx: task.OrchestrationContext, expense: str) -> Generator[task.Task[Any], Any, str]:
    decision = yield ctx.wait_for_external_event("approval")  # mistake: HF901
    if not decision["approved"]:
        return f"rejected by {decision['by']}"
    return (yield ctx.call_activity(pay, input=expense))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(approve)
    hub.add_activity(pay)
