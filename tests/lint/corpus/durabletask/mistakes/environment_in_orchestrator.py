"""HF201: which activity runs is decided by an environment variable."""

import os
from collections.abc import Generator
from typing import Any

from durabletask import task, worker


def translate(ctx: task.ActivityContext, text: str) -> str:
    return text.upper()


def passed(ctx: task.ActivityContext, text: str) -> str:
    return text


def localise(ctx: task.OrchestrationContext, text: str) -> Generator[task.Task[Any], Any, str]:
    if os.environ.get("TRANSLATE") == "1":  # mistake: HF201
        return (yield ctx.call_activity(translate, input=text))
    return (yield ctx.call_activity(passed, input=text))


with worker.TaskHubGrpcWorker() as hub:
    hub.add_orchestrator(localise)
    hub.add_activity(translate)
    hub.add_activity(passed)
