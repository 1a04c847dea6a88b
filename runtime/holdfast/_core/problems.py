"""What went wrong where no workflow code can see it, as a sentence for the worker's log."""

import traceback
from typing import Any

from holdfast._core.tasks import TurnTask


def problem_of_task(task: TurnTask) -> dict[str, Any]:
    """Return the problem that a task failed and nobody asked how it ended."""
    error = task.exception()
    return {
        "message": "a background task failed and nothing awaits it",
        "task": task,
        "exception": error,
    }


def sentence(context: dict[str, Any]) -> str:
    """Return what asyncio reports to an exception handler as one text, the traceback last."""
    parts = [str(context.get("message") or "something failed outside any task")]
    task = context.get("task")
    if isinstance(task, TurnTask):
        parts.append(f" ({task.get_name()}{f', started at {task.site}' if task.site else ''})")
    error = context.get("exception")
    if isinstance(error, BaseException):
        parts.append(f": {_text(error)}")
    return "".join(parts).encode("utf-8", "backslashreplace").decode()


def _text(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).strip()
    except Exception as problem:  # noqa: BLE001 - an exception that cannot even be printed
        return f"{type(error).__name__} (it cannot be printed: {type(problem).__name__})"
