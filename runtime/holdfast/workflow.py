"""What workflow code may call, and the decorator that makes a function a workflow.

Workflow code orchestrates: it awaits activities, timers and people, in plain asyncio. It does no work itself,
because it runs again from the top whenever its run continues on another worker.
"""

import asyncio
import inspect
import logging
import random as _random
import uuid
from collections.abc import Callable, Coroutine, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, TypeVar, overload

from holdfast._core.execution import current, required
from holdfast._registry import Definition, WorkflowDefinition
from holdfast.clock import instant, milliseconds
from holdfast.codec import decode, schema_of
from holdfast.errors import ApprovalTimeoutError, ArgumentError
from holdfast.history import RequestApproval

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
_NO_DEFAULT: Any = object()


class Workflow(Definition, Generic[P, R]):
    """Be a function that runs durably; start it with `client.start(my_workflow, …)`.

    Called inside another workflow it runs as a part of that one. `fn` is the plain function.
    """

    def __init__(self, definition: WorkflowDefinition) -> None:
        self.definition = definition
        self.name = definition.name
        self.fn: Callable[..., Any] = definition.fn
        self.__doc__ = definition.fn.__doc__
        self.__name__ = definition.fn.__name__
        self.__qualname__ = definition.fn.__qualname__
        self.__module__ = definition.fn.__module__

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Run as a part of the calling workflow."""
        required(f"Calling the workflow {self.name} directly")
        coroutine: Coroutine[Any, Any, R] = self.fn(*args, **kwargs)
        return coroutine


@overload
def define(fn: Callable[P, Coroutine[Any, Any, R]], /) -> Workflow[P, R]: ...
@overload
def define(
    *,
    name: str | None = None,
    fails_on: tuple[type[Exception], ...] = (),
    retired_patches: tuple[str, ...] = (),
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Workflow[P, R]]: ...


def define(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    fails_on: tuple[type[Exception], ...] = (),
    retired_patches: tuple[str, ...] = (),
) -> Any:
    """Make an `async def` function a workflow.

    Args:
        fn: The function, when the decorator is used without arguments.
        name: What histories call it; the function's name by default. Renaming breaks open runs.
        fails_on: Exceptions that fail the run, besides those of holdfast. Any other exception is a bug: it blocks the
            run, which continues when corrected code is deployed.
        retired_patches: Patches whose old branch and call are gone from the code.
    """

    def make(function: Callable[..., Any]) -> Workflow[..., Any]:
        if not inspect.iscoroutinefunction(function):
            raise ArgumentError(
                f"@workflow.define needs an `async def` function; {function!r} is not one."
            )
        return Workflow(
            WorkflowDefinition(
                name=name or function.__name__,
                fn=function,
                fails_on=fails_on,
                retired_patches=frozenset(retired_patches),
            )
        )

    return make if fn is None else make(fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Describe the run that is executing."""

    run_id: str
    workflow: str
    turn: int


def info() -> RunInfo:
    """Return what is known about this run."""
    execution = required("workflow.info()")
    return RunInfo(
        run_id=execution.facts.run_id, workflow=execution.definition.name, turn=execution.turn
    )


def now() -> datetime:
    """Return the time of the event that woke the run, in UTC; it does not move until the next event."""
    return instant(required("workflow.now()").now_ms)


def random() -> _random.Random:
    """Return this run's random numbers: replay draws the same ones."""
    return required("workflow.random()").random


def uuid4() -> uuid.UUID:
    """Return a random UUID: replay returns the same one."""
    return required("workflow.uuid4()").uuid4()


async def sleep(duration: timedelta) -> None:
    """Wait durably; `asyncio.sleep(seconds)` does the same."""
    required("workflow.sleep()")
    await asyncio.sleep(milliseconds(duration) / 1000)


def patched(patch: str, *, key: str | int | None = None) -> bool:
    """Tell whether this run takes the new branch of a change.

    New runs do; a run that had already passed this place keeps the old branch. The answer is recorded per `patch` and
    `key`: give a key in a loop, where each round may decide for itself.
    """
    return required("workflow.patched()").patched(patch, None if key is None else str(key))


async def approval(
    name: str,
    *,
    ask: str,
    to: list[str],
    answer: type[T],
    timeout: timedelta | None = None,  # noqa: ASYNC109 - a durable deadline, not one of this call
    on_timeout: T = _NO_DEFAULT,
) -> T:
    """Wait until a person decides, and return the typed answer.

    Args:
        name: What histories and `holdfast approve` call this approval.
        ask: The question, as the person reads it.
        to: Who may answer: names of people or groups.
        answer: The type of a valid answer; an answer is checked against it before it is recorded.
        timeout: How long to wait; None waits for ever.
        on_timeout: The answer when time is up; without one, `ApprovalTimeoutError` is raised.
    """
    execution = required("workflow.approval()")
    if timeout is not None and timeout <= timedelta(0):
        raise ArgumentError(
            f"Approval {name!r}: timeout={timeout!r}; expected a positive timedelta or None."
        )
    timeout_ms = None if timeout is None else milliseconds(timeout)
    if not all(isinstance(person, str) for person in to):
        raise ArgumentError(f"Approval {name!r}: to={to!r}; expected a list of names.")
    schema = schema_of(answer)

    def command(seq: int, site: str) -> RequestApproval:
        return RequestApproval(
            seq=seq,
            site=site,
            name=name,
            ask=ask,
            to=list(to),
            schema=schema,
            timeout_ms=timeout_ms,
        )

    def when_late() -> T:
        if on_timeout is _NO_DEFAULT:
            raise ApprovalTimeoutError(f"Nobody decided {name!r} within {timeout}.", approval=name)
        return on_timeout

    seq, future = execution.request_approval(
        command, lambda tree: decode(tree, answer, what=f"The answer to {name}"), when_late
    )
    try:
        decided: T = await future
    except asyncio.CancelledError:
        execution.take_back(seq)
        raise
    return decided


class _LiveOnly(logging.LoggerAdapter[logging.Logger]):
    """Log what happens for the first time, and nothing while replaying."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Tell whether a record of this level would be written now."""
        execution = current()
        return (execution is None or execution.is_live) and super().isEnabledFor(level)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the run id."""
        execution = current()
        kwargs["extra"] = {"run_id": execution.facts.run_id if execution else ""} | (
            kwargs.get("extra") or {}
        )
        return msg, kwargs


logger = _LiveOnly(logging.getLogger("holdfast.workflow"), {})
"""A logger that writes each message once, however often its run is replayed."""
