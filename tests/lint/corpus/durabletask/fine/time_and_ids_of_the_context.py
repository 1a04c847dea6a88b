"""Fine (HF101): the context has the time of the event, ids that replay, and a logger that is quiet."""

import logging
from collections.abc import Generator
from datetime import timedelta
from typing import Any

from durabletask import task, worker

logger = logging.getLogger(__name__)


def remind(ctx: task.ActivityContext, reference: str) -> str:
    logger.info("reminding about %s", reference)
    return reference


def trial(ctx: task.OrchestrationContext, customer: str) -> Generator[task.Task[Any], Any, str]:
    quiet = ctx.create_replay_safe_logger(logger)
    reference = f"{customer}-{ctx.new_uuid()}"
    quiet.info("trial %s", reference)
    yield ctx.create_timer(ctx.current_utc_datetime + timedelta(days=11))
    return (yield ctx.call_activity(remind, input=reference))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(trial)
    hub.add_activity(remind)
