"""HF101: the timer is set by the clock of the worker, and at another time on each replay."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from durabletask import task, worker


def remind(ctx: task.ActivityContext, customer: str) -> str:
    return f"reminded {customer}"


def trial(ctx: task.OrchestrationContext, customer: str) -> Generator[task.Task[Any], Any, str]:
    yield ctx.create_timer(datetime.utcnow() + timedelta(days=11))  # mistake: HF101
    return (yield ctx.call_activity(remind, input=customer))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(trial)
    hub.add_activity(remind)
