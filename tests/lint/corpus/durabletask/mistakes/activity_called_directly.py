"""HF701: the activity is called as a function of the orchestrator, which runs it again on every replay."""

from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def price(ctx: task.ActivityContext | None, article: str) -> int:
    return len(article) * 100


def charge(ctx: task.ActivityContext, cents: int) -> str:
    return f"charged {cents}"


def buy(ctx: task.OrchestrationContext, article: str) -> Generator[task.Task[Any], Any, str]:
    cents = price(None, article)  # mistake: HF701
    return (yield ctx.call_activity(charge, input=cents))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(buy)
    hub.add_activity(price)
    hub.add_activity(charge)
