"""HF602: the orchestrator logs through the standard library, once per replay."""

import logging
from collections.abc import Generator
from typing import Any

from durabletask import task, worker

logger = logging.getLogger(__name__)


def ship(ctx: task.ActivityContext, order: str) -> str:
    return f"shipped {order}"


def send(ctx: task.OrchestrationContext, order: str) -> Generator[task.Task[Any], Any, str]:
    shipped = yield ctx.call_activity(ship, input=order)
    logger.info("done: %s", shipped)  # mistake: HF602
    return shipped


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(send)
    hub.add_activity(ship)
