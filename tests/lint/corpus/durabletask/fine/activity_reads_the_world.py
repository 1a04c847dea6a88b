"""Fine (HF203): files, the clock and the sleep are in activities and in what starts the orchestration."""

import time
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from typing import Any

from durabletask import client, task, worker


def read(ctx: task.ActivityContext, name: str) -> str:
    time.sleep(0.5)
    return Path("/data", name).read_text()


def load(ctx: task.OrchestrationContext, name: str) -> Generator[task.Task[Any], Any, int]:
    text = yield ctx.call_activity(read, input=name)
    return len(text)


def main() -> None:
    with worker.TaskHubGrpcWorker() as hub:
        hub.add_orchestrator(load)
        hub.add_activity(read)
        hub.start()
        started = client.TaskHubGrpcClient().schedule_new_orchestration(load, input="a.csv")
        print(f"{datetime.now()}: {started}")
