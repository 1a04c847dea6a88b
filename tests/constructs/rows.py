"""The rows of the table of constructs: what asyncio offers to a workflow, and every name of the API."""

import inspect
from collections.abc import Iterable
from typing import Any

from holdfast import Client, activity, workflow

ASYNCIO = (
    "asyncio.gather", "asyncio.wait(ALL_COMPLETED)", "asyncio.wait(FIRST_COMPLETED)", "asyncio.wait(FIRST_EXCEPTION)",
    "asyncio.wait_for", "asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup", "asyncio.as_completed",
    "asyncio.shield", "asyncio.sleep", "asyncio.create_task", "asyncio.Lock", "asyncio.Event", "asyncio.Condition",
    "asyncio.Semaphore", "asyncio.BoundedSemaphore", "asyncio.Queue", "asyncio.PriorityQueue", "asyncio.LifoQueue",
    "asyncio.Barrier", "asyncio.Task.cancel", "asyncio.Task.uncancel", "asynchronous generators", "context variables",
    "exception groups",
)  # fmt: skip
REFUSED = (
    "executors", "threads", "sockets", "subprocesses", "signal handlers", "call_soon_threadsafe", "eager tasks",
    "task factories", "clocks", "random numbers", "files",
)  # fmt: skip
ENGINE = ("payload types", "eviction", "hash seeds", "random programs")

# What only holdfast itself calls.
_INTERNAL = {"activity.run_attempt"}
_PARTS = (
    workflow.Signal, workflow.Update, workflow.Child, workflow.Compensation,
)  # fmt: skip
_CODECS = {
    "encode",
    "decode_reply",
    "saga",
    "seq",
}  # of these, what only the client and the core call


def rows() -> dict[str, list[str]]:
    """Return the names of all constructs, by the heading under which they stand."""
    return {
        "asyncio": list(ASYNCIO),
        "Refused in a workflow": list(REFUSED),
        "workflow": sorted([*_workflow_names(), *_options("workflow.define", workflow.define)]),
        "activity": sorted([*_activity_names(), *_options("activity.define", activity.define)]),
        "Client": sorted([
            *(f"Client.{name}" for name in dir(Client) if not name.startswith("_")),
            *_options("Client.start", Client.start),
        ]),
        "Engine": list(ENGINE),
    }  # fmt: skip


def _workflow_names() -> Iterable[str]:
    for name in workflow.__all__:
        yield f"workflow.{name}"
    for part in _PARTS:
        for name in vars(part):
            if not name.startswith("_") and name not in _CODECS:
                yield f"workflow.{part.__name__}.{name}"


def _activity_names() -> Iterable[str]:
    for name, value in vars(activity).items():
        own = getattr(value, "__module__", "") == activity.__name__ and len(name) > 1
        if own and not name.startswith("_") and f"activity.{name}" not in _INTERNAL:
            yield f"activity.{name}"


def _options(name: str, function: Any) -> Iterable[str]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            yield f"{name}({parameter.name}=)"
