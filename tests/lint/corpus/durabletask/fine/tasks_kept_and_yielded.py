"""Fine (HF702): tasks are kept in a list and a name, and yielded together."""

from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def count(ctx: task.ActivityContext, page: int) -> int:
    return page * 10


def total(ctx: task.OrchestrationContext, pages: int) -> Generator[task.Task[Any], Any, int]:
    cover = ctx.call_activity(count, input=1)
    tasks = [ctx.call_activity(count, input=page) for page in range(pages)]
    results = yield task.when_all([cover, *tasks])
    ctx.set_custom_status(f"{len(results)} pages")
    return sum(results)


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(total)
    hub.add_activity(count)
