"""HF702: the activity is scheduled, and its result is a task that nobody waits for."""

from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def check_stock(ctx: task.ActivityContext, article: str) -> bool:
    return article != ""


def order(ctx: task.OrchestrationContext, article: str) -> Generator[task.Task[Any], Any, str]:
    in_stock = ctx.call_activity(check_stock, input=article)  # mistake: HF702
    if in_stock:  # also: HF702
        return "ordered"
    yield ctx.create_timer(ctx.current_utc_datetime)
    return "out of stock"


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(order)
    hub.add_activity(check_stock)
