"""What activity code may call, and the decorator that makes a function an activity.

An activity may do anything. Its result is recorded once; the function itself may run more than once, because a
process can die after the effect and before the record. `idempotency_key()` is how the outside world is told.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, overload

from holdfast._core.execution import Execution, current
from holdfast._core.sites import call_site
from holdfast._registry import ActivityDefinition, ActivityOptions, Definition, Effect
from holdfast.errors import ArgumentError, ForbiddenCallError
from holdfast.retry import Retry

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityInfo:
    """Describe the attempt that is running; `attempt` counts from 1 and includes those lost with their worker."""

    run_id: str
    seq: int
    activity: str
    attempt: int
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    info: ActivityInfo
    beat: Callable[[Any], None]


_attempt: ContextVar[_Attempt] = ContextVar("holdfast_attempt")


class Activity(Definition, Generic[P, R]):
    """Be a function whose result is recorded.

    Call it inside a workflow to schedule it, and await the result. Call it anywhere else and the awaited function
    just runs, a `def` in a thread. `fn` is the plain function.
    """

    def __init__(self, definition: ActivityDefinition) -> None:
        self.definition = definition
        self.name = definition.name
        self.fn: Callable[..., Any] = definition.fn
        self.__doc__ = definition.fn.__doc__
        self.__name__ = definition.fn.__name__
        self.__qualname__ = definition.fn.__qualname__
        self.__module__ = definition.fn.__module__

    def __repr__(self) -> str:
        return f"<activity {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Schedule the activity in a workflow, or run it elsewhere."""
        execution = current()
        if execution is None:
            return _run_plain(self.fn, args, kwargs)
        encoded = execution.encode_args(self.definition.signature, args, kwargs)
        return _scheduled(execution, self.definition, encoded, call_site())

    def with_options(
        self,
        *,
        timeout: timedelta | None = None,
        retry: Retry | None = None,
        queue: str | None = None,
    ) -> "Activity[P, R]":
        """Return the same activity with other options, for one call or several."""
        known = self.definition.options
        options = replace(
            known,
            timeout=known.timeout if timeout is None else _checked_timeout(self.name, timeout),
            retry=known.retry if retry is None else retry,
            queue=known.queue if queue is None else queue,
        )
        return Activity(replace(self.definition, options=options))


async def _scheduled(
    execution: Execution, definition: ActivityDefinition, args: list[Any], site: str
) -> Any:
    seq, future = execution.schedule_activity(definition, args, definition.options.to_json(), site)
    try:
        return await future
    except asyncio.CancelledError:
        execution.take_back(seq)
        raise


async def _run_plain(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(fn):
        return await fn(*args, **kwargs)
    return await asyncio.to_thread(fn, *args, **kwargs)


@overload
def define(fn: Callable[P, Coroutine[Any, Any, R]], /) -> Activity[P, R]: ...
@overload
def define(fn: Callable[P, R], /) -> Activity[P, R]: ...
@overload
def define(
    *,
    name: str | None = None,
    timeout: timedelta | None = None,
    retry: Retry | None = None,
    queue: str | None = None,
    effect: Effect = "idempotent",
) -> "_Decorator": ...


def define(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: timedelta | None = None,
    retry: Retry | None = None,
    queue: str | None = None,
    effect: Effect = "idempotent",
) -> Any:
    """Make a function an activity.

    Args:
        fn: The function, `async def` or `def`, when the decorator is used without arguments.
        name: What histories call it; the function's name by default. Renaming breaks open runs.
        timeout: How long one attempt may take; None means as long as its worker lives.
        retry: When a failed attempt is tried again; by default for ever, with growing pauses up to a minute.
        queue: Which workers carry it out; by default those of the run's queue.
        effect: "pure" when running it again does no harm at all, "idempotent" when the idempotency key makes it so.
    """
    if fn is not None:
        return _define(fn, name or fn.__name__, ActivityOptions())
    options = ActivityOptions(
        timeout=None if timeout is None else _checked_timeout(name or "activity.define", timeout),
        retry=retry or Retry(),
        queue=queue,
        effect=effect,
    )
    return _Decorator(name, options)


class _Decorator:
    """Carry the options of `@activity.define(…)` to the function below it."""

    def __init__(self, name: str | None, options: ActivityOptions) -> None:
        self._name = name
        self._options = options

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Activity[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Activity[P, R]: ...
    def __call__(self, fn: Callable[..., Any], /) -> Any:
        """Make the function an activity."""
        return _define(fn, self._name or fn.__name__, self._options)


def _define(fn: Callable[..., Any], name: str, options: ActivityOptions) -> Activity[..., Any]:
    if inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
        raise ArgumentError(
            f"@activity.define needs an `async def` or `def` function; {fn!r} is not one."
        )
    return Activity(ActivityDefinition(name=name, fn=fn, options=options))


def _checked_timeout(name: str, timeout: timedelta) -> timedelta:
    if timeout <= timedelta(0):
        raise ArgumentError(
            f"{name}: timeout={timeout!r} leaves no time at all; expected a positive timedelta."
        )
    return timeout


def info() -> ActivityInfo:
    """Return what is known about the running attempt."""
    attempt = _attempt.get(None)
    if attempt is None:
        raise ForbiddenCallError("activity.info() works only inside a running activity.")
    return attempt.info


def idempotency_key() -> str:
    """Return a key that stays the same over retries, crashes and workers; `local` outside a run."""
    attempt = _attempt.get(None)
    return "local" if attempt is None else attempt.info.idempotency_key


def heartbeat(details: Any = None) -> None:
    """Report that the attempt is alive, with progress that the dashboard shows; does nothing outside a run."""
    attempt = _attempt.get(None)
    if attempt is not None:
        attempt.beat(details)


async def run_attempt(
    definition: ActivityDefinition,
    args: list[Any],
    *,
    about: ActivityInfo,
    beat: Callable[[Any], None],
    threads: Executor | None = None,
) -> Any:
    """Run one attempt of an activity, a `def` in one of `threads`; called by workers."""
    token = _attempt.set(_Attempt(info=about, beat=beat))
    try:
        if inspect.iscoroutinefunction(definition.fn):
            return await definition.fn(*args)
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            threads, lambda: context.run(definition.fn, *args)
        )
    finally:
        _attempt.reset(token)
