"""The rows of the table of constructs: what asyncio offers, every name of the API, and what is promised of them."""

import inspect
from collections.abc import Iterable
from typing import Any

from holdfast import Client, activity, workflow
from holdfast._core.matcher import TITLES

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
GUARD = ("calls inside libraries", "futures of other loops", "workflow.unsafe in its task alone")
MESSAGES = (
    "a signal waits until code takes it",
    "a message counts once by its id",
    "no signal is lost in a continuation",
    "values are read without a worker",
    "an update is validated before it is answered",
)
PEOPLE = (
    "an answer is validated before it is recorded",
    "who decided, and a digest of what they saw",
    "a decision and its deadline cannot both count",
    "people are asked again after a fork",
)
FAMILY = (
    "a child outlives its parent or not, as was said",
    "children limited in number",
    "open compensations at a continuation",
    "a continuation is suggested when the history grows",
)
ENDING = (
    "shielded clean-up",
    "compensation, last in first out",
    "compensation on terminate",
    "a run out of time",
    "a fork keeps the keys",
    "a paused run begins nothing",
)
ATTEMPTS = (
    "Retry(max_attempts=)",
    "Retry(initial=)",
    "Retry(backoff=)",
    "Retry(max_interval=)",
    "Retry(jitter=)",
    "Retry(non_retryable=)",
    "ApplicationError(non_retryable=)",
    "ApplicationError(retry_after=)",
    "Retry-After",
    "attention",
    "a lost worker's attempt is taken over",
)
LIMITS = ("size of a payload", "size of a history", "another request under the same id")
BLOCKED = (
    "a blocked run is cancelled",
    "a blocked run is terminated",
    "a blocked run is forked",
    "a blocked run is exported",
    "a blocked run heals",
)
PAYLOADS = (
    "payload types",
    "compression",
    "authenticated encryption",
    "rotation of keys",
    "a field added with a default",
    "a value that no longer decodes",
)
ENGINE = ("eviction", "hash seeds", "random programs")

# What only holdfast itself calls.
_INTERNAL = {"activity.run_attempt"}
_PARTS = (
    workflow.Signal, workflow.Update, workflow.Child, workflow.Compensation,
)  # fmt: skip
# The functions whose options are rows; `approvals` and `run_child` have those of their neighbours too.
_WITH_OPTIONS: dict[Any, Any] = {
    workflow.approval: None, workflow.approvals: workflow.approval, workflow.start_child: None,
    workflow.run_child: workflow.start_child, workflow.map: None, workflow.map_settled: None, workflow.patched: None,
    workflow.continue_as_new: None, workflow.wait_until: None,
}  # fmt: skip
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
        "Differences": [*sorted(TITLES), "DR06", "DR07", "DR10"],
        "The guard": list(GUARD),
        "Messages": list(MESSAGES),
        "People": list(PEOPLE),
        "Children and continuations": list(FAMILY),
        "Ends, forks and pauses": list(ENDING),
        "Attempts": list(ATTEMPTS),
        "Limits": list(LIMITS),
        "Blocked runs": list(BLOCKED),
        "Payloads": list(PAYLOADS),
        "Engine": list(ENGINE),
    }  # fmt: skip


def _workflow_names() -> Iterable[str]:
    for name in workflow.__all__:
        yield f"workflow.{name}"
    for part in _PARTS:
        for name in vars(part):
            if not name.startswith("_") and name not in _CODECS:
                yield f"workflow.{part.__name__}.{name}"
    yield "workflow.Signal.receive(timeout=)"
    for function, alike in _WITH_OPTIONS.items():
        known = {name.partition("(")[2] for name in _options("", alike)} if alike else set()
        for name in _options(f"workflow.{function.__name__}", function):
            if name.partition("(")[2] not in known:
                yield name


def _activity_names() -> Iterable[str]:
    for name, value in vars(activity).items():
        own = getattr(value, "__module__", "") == activity.__name__ and len(name) > 1
        if own and not name.startswith("_") and f"activity.{name}" not in _INTERNAL:
            yield f"activity.{name}"


def _options(name: str, function: Any) -> Iterable[str]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            yield f"{name}({parameter.name}=)"
