"""Fine (HF901): the approval is raced against a timer, and both outcomes have a branch."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from durabletask import task, worker


def tell(ctx: task.ActivityContext, text: str) -> str:
    return text


def approve(ctx: task.OrchestrationContext, expense: str) -> Generator[task.Task[Any], Any, str]:
    ctx.set_custom_status(f"waiting for the manager: {expense}")
    approval = ctx.wait_for_external_event("approval")
    deadline = ctx.create_timer(timedelta(days=2))
    winner = yield task.when_any([approval, deadline])
    if winner is deadline:
        return (yield ctx.call_activity(tell, input=f"nobody decided about {expense}"))
    outcome = "approved" if approval.get_result()["approved"] else "rejected"
    return (yield ctx.call_activity(tell, input=f"{expense} {outcome}"))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(approve)
    hub.add_activity(tell)
