"""HF720: the orchestrator changes the order it was given after an activity has been given it too."""

from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def reserve(ctx: task.ActivityContext, order: dict[str, Any]) -> str:
    return f"reserved {order['article']}"


def bill(ctx: task.ActivityContext, order: dict[str, Any]) -> str:
    return f"billed {order['cents']}"


def process(
    ctx: task.OrchestrationContext, order: dict[str, Any]
) -> Generator[task.Task[Any], Any, str]:
    reserving = ctx.call_activity(reserve, input=order)
    order["cents"] = 0  # mistake: HF720
    yield reserving
    return (yield ctx.call_activity(bill, input=order))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(process)
    hub.add_activity(reserve)
    hub.add_activity(bill)
