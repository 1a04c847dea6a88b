from datetime import timedelta
from typing import Any

QUICK: dict[str, Any] = {"start_to_close_timeout": timedelta(seconds=30)}


def slow(queue: str) -> dict[str, Any]:
    return {"schedule_to_close_timeout": timedelta(hours=6), "task_queue": queue}
