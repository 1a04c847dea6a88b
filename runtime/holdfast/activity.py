"""What activity code may call, and the decorator that makes a function an activity.

An activity may do anything. Its result is recorded once; the function itself may run more than once, because a
process can die after the effect and before the record. `idempotency_key()` is how the outside world is told. Where it
cannot be told, `effect="once"` keeps an attempt whose outcome is unknown from being tried again: a probe, or a person,
says first what happened.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, get_args, overload

from holdfast._arguments import check_choice, check_duration, check_kind, check_text
from holdfast._core.execution import Execution, current
from holdfast._core.sites import call_site
from holdfast._registry import ActivityDefinition, ActivityOptions, Definition, Effect
from holdfast.codec import decode
from holdfast.errors import ArgumentError, ForbiddenCallError
from holdfast.limits import Limit
from holdfast.retry import Retry
from holdfast.runs import checked_priority

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityInfo:
    """Describe the attempt that is running; `attempt` counts from 1 and includes those lost with their worker.

    `heartbeat_details` are those of the last heartbeat of the attempts before this one, as JSON.
    """

    run_id: str
    seq: int
    activity: str
    attempt: int
    idempotency_key: str
    heartbeat_details: Any = None


@dataclass(frozen=True, slots=True)
class Happened(Generic[R]):
    """Answer of a `reconcile` function: the effect has happened, and this is the activity's result."""

    result: R


@dataclass(frozen=True, slots=True)
class NotHappened:
    """Answer of a `reconcile` function: the effect has not happened, so another attempt is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    info: ActivityInfo
    beat: Callable[[Any, Any], None]
    cancelled: threading.Event = field(default_factory=threading.Event)


_attempt: ContextVar[_Attempt] = ContextVar("holdfast_attempt")


class Activity(Definition, Generic[P, R]):
    """Be a function whose result is recorded.

    Call it inside a workflow to schedule it, and await the result. Call it anywhere else and the awaited function
    just runs, a `def` in a thread. `fn` is the plain function.
    """

    def __init__(self, definition: ActivityDefinition) -> None:
        super().__init__(definition.name, definition.fn)
        self.definition = definition

    def __repr__(self) -> str:
        return f"<activity {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Schedule the activity in a workflow, or run it elsewhere."""
        execution = current()
        if execution is None:
            return _run_plain(self.fn, args, kwargs)
        encoded = execution.encoding.args(self.definition.signature, args, kwargs)
        return _scheduled(execution, self.definition, encoded, call_site())

    def with_options(  # noqa: PLR0913 - the options of an activity, each by name
        self,
        *,
        timeout: timedelta | None = None,
        schedule_to_start: timedelta | None = None,
        schedule_to_close: timedelta | None = None,
        heartbeat: timedelta | None = None,
        retry: Retry | None = None,
        queue: str | None = None,
        limit: Limit | None = None,
        priority: int | None = None,
    ) -> "Activity[P, R]":
        """Return the same activity with other options, for one call or several; None keeps what it has."""
        given: dict[str, Any] = {
            "timeout": timeout,
            "schedule_to_start": schedule_to_start,
            "schedule_to_close": schedule_to_close,
            "heartbeat": heartbeat,
        }
        for name, duration in given.items():
            check_duration(f"Activity {self.name}", name, duration)
        given |= {"retry": retry, "queue": queue, "limit": limit, "priority": priority}
        _check_options(f"Activity {self.name}", retry, queue, limit, priority)
        changed = {name: value for name, value in given.items() if value is not None}
        options = replace(self.definition.options, **changed)
        return Activity(replace(self.definition, options=options))


async def _scheduled(
    execution: Execution, definition: ActivityDefinition, args: list[Any], site: str
) -> Any:
    seq, future = execution.schedule_activity(definition, args, definition.recorded_options, site)
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
    schedule_to_start: timedelta | None = None,
    schedule_to_close: timedelta | None = None,
    heartbeat: timedelta | None = None,
    retry: Retry | None = None,
    queue: str | None = None,
    effect: Effect = "idempotent",
    reconcile: Callable[..., Any] | None = None,
    limit: Limit | None = None,
    priority: int | None = None,
    unstable_args: bool = False,
) -> "_Decorator": ...


def define(  # noqa: PLR0913 - the options of an activity, each by name
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: timedelta | None = None,
    schedule_to_start: timedelta | None = None,
    schedule_to_close: timedelta | None = None,
    heartbeat: timedelta | None = None,
    retry: Retry | None = None,
    queue: str | None = None,
    effect: Effect = "idempotent",
    reconcile: Callable[..., Any] | None = None,
    limit: Limit | None = None,
    priority: int | None = None,
    unstable_args: bool = False,
) -> Any:
    """Make a function an activity.

    Args:
        fn: The function, `async def` or `def`, when the decorator is used without arguments.
        name: What histories call it; the function's name by default. Renaming breaks open runs.
        timeout: How long one attempt may take (start to close); None means as long as its worker lives.
        schedule_to_start: How long an attempt that is due may wait for a worker; then the activity fails for good.
        schedule_to_close: How long all attempts together may take, pauses included; then the activity fails for good.
        heartbeat: How long an attempt may go without `activity.heartbeat()`; then the attempt has failed.
        retry: When a failed attempt is tried again; by default for ever, with growing pauses up to a minute.
        queue: Which workers carry it out; by default those of the run's queue.
        effect: "pure" when running it again does no harm at all, "idempotent" when the idempotency key makes it so,
            "once" when running it again could do harm: an attempt whose outcome is unknown is then never simply tried
            again.
        reconcile: With `effect="once"`, a function with the same arguments that finds out whether the effect has
            happened. It answers `Happened(result)`, `NotHappened()`, or None when it cannot tell.
        limit: How many attempts of everything with the same limit's name run at once, or start in a time. For a name
            that depends on the arguments use `with_options(limit=Limit(f"crm:{customer}", 3))`.
        priority: 1, which goes first, to 9; by default that of the run.
        unstable_args: Whether its arguments may be others on replay, as those that a library encodes anew each time;
            the recorded ones count, and the difference is not reported.
    """
    if fn is not None:
        return _define(fn, name, ActivityOptions())
    where = "activity.define" if name is None else f"Activity {name}"
    check_text("activity.define", "name", name, optional=True)
    durations = {
        "timeout": timeout,
        "schedule_to_start": schedule_to_start,
        "schedule_to_close": schedule_to_close,
        "heartbeat": heartbeat,
    }
    for option, duration in durations.items():
        check_duration(where, option, duration)
    _check_options(where, retry, queue, limit, priority)
    check_choice(where, "effect", effect, get_args(Effect))
    options = ActivityOptions(
        **durations, retry=retry or Retry(), queue=queue, effect=effect, reconcile=reconcile, limit=limit,
        priority=priority,
    )  # fmt: skip
    return _Decorator(name, options, unstable_args)


class _Decorator:
    """Carry the options of `@activity.define(…)` to the function below it."""

    def __init__(self, name: str | None, options: ActivityOptions, unstable_args: bool) -> None:  # noqa: FBT001 - private
        self._name = name
        self._options = options
        self._unstable_args = unstable_args

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Activity[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Activity[P, R]: ...
    def __call__(self, fn: Callable[..., Any], /) -> Any:
        """Make the function an activity."""
        made = _define(fn, self._name, self._options)
        return Activity(replace(made.definition, unstable_args=self._unstable_args))


def _define(
    fn: Callable[..., Any], given_name: str | None, options: ActivityOptions
) -> Activity[..., Any]:
    is_generator = inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn)
    if is_generator or not inspect.isroutine(fn):
        raise ArgumentError(
            f"@activity.define needs an `async def` or `def` function; {fn!r} is not one."
        )
    name = given_name or fn.__name__
    _check_reconcile(fn, name, options)
    return Activity(ActivityDefinition(name=name, fn=fn, options=options))


def _check_reconcile(fn: Callable[..., Any], name: str, options: ActivityOptions) -> None:
    probe = options.reconcile
    if probe is None:
        return
    if options.effect != "once":
        raise ArgumentError(
            f'{name}: reconcile= is for effect="once"; an activity whose effect is {options.effect!r} is simply tried '
            'again. Set effect="once", or leave reconcile out.'
        )
    if not inspect.isroutine(probe):
        raise ArgumentError(
            f"{name}: reconcile={probe!r}; expected a plain `async def` or `def` function."
        )
    if inspect.isasyncgenfunction(probe) or inspect.isgeneratorfunction(probe):
        raise ArgumentError(f"{name}: reconcile={probe!r} is a generator; expected a function.")
    wanted, found = inspect.signature(fn), inspect.signature(probe)
    try:
        found.bind(*wanted.parameters)
    except TypeError as error:
        raise ArgumentError(
            f"{name}: reconcile {probe.__name__}{found} is called with the arguments of {name}{wanted}, which it cannot "
            f"take: {error}. Give it the same parameters."
        ) from None


def _check_options(
    where: str, retry: Retry | None, queue: str | None, limit: Limit | None, priority: int | None
) -> None:
    check_kind(
        where, "retry", retry, Retry, "a Retry, for example Retry(max_attempts=5)", optional=True
    )
    check_text(where, "queue", queue, optional=True, what="the name of a queue")
    example = 'a Limit, for example Limit("crm", 3)'
    check_kind(where, "limit", limit, Limit, example, optional=True)
    if priority is not None:
        checked_priority(priority, where)


def info() -> ActivityInfo:
    """Return what is known about the running attempt."""
    attempt = _attempt.get(None)
    if attempt is None:
        raise ForbiddenCallError("activity.info() works only inside a running activity.")
    return attempt.info


def idempotency_key() -> str:
    """Return a key that stays the same over retries, crashes, workers and forks; `local` outside a run."""
    attempt = _attempt.get(None)
    return "local" if attempt is None else attempt.info.idempotency_key


def heartbeat(details: Any = None, *, type: Any = None) -> None:  # noqa: A002 - the word for it
    """Report that the attempt is alive, with progress that the dashboard shows and the next attempt can read.

    Without details those of the heartbeat before stay. `type` is what they are written as when they are not plain JSON,
    such as a set or a list of models; `heartbeat_details(type)` reads them as that. Does nothing outside a run.
    """
    attempt = _attempt.get(None)
    if attempt is not None:
        attempt.beat(details, type)


@overload
def heartbeat_details() -> Any: ...
@overload
def heartbeat_details(type: type[T]) -> T | None: ...


def heartbeat_details(type: Any = Any) -> Any:  # noqa: A002 - the word for it
    """Return the details of the last heartbeat of the attempts before this one, or None when there was none.

    `type` is what they are decoded as; without it they come back as JSON.
    """
    attempt = _attempt.get(None)
    if attempt is None or attempt.info.heartbeat_details is None:
        return None
    about = attempt.info
    return decode(about.heartbeat_details, type, what=f"The heartbeat details of {about.activity}")


def is_cancelled() -> bool:
    """Tell whether nobody waits for this attempt any more: it ran out of time, or its run or its worker gave it up.

    An `async def` activity is told by `asyncio.CancelledError`. A thread cannot be stopped from outside: a `def`
    activity that may take long asks now and then, and returns. False outside a run.
    """
    attempt = _attempt.get(None)
    return attempt is not None and attempt.cancelled.is_set()


def _in_thread(fn: Callable[..., Any], args: Sequence[Any]) -> Any:
    try:
        return fn(*args)
    except (
        StopIteration
    ) as error:  # a future takes no StopIteration: whoever awaits it would wait for ever
        raise RuntimeError(f"{fn.__qualname__} raised StopIteration") from error


async def run_attempt(
    fn: Callable[..., Any],
    args: list[Any],
    *,
    about: ActivityInfo,
    beat: Callable[[Any, Any], None],
    threads: Executor | None = None,
) -> Any:
    """Run one attempt of an activity or its probe, a `def` in one of `threads`; called by workers."""
    attempt = _Attempt(info=about, beat=beat)
    token = _attempt.set(attempt)
    try:
        if inspect.iscoroutinefunction(fn):
            return await fn(*args)
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            threads, lambda: context.run(_in_thread, fn, args)
        )
    except asyncio.CancelledError:
        attempt.cancelled.set()
        raise
    finally:
        _attempt.reset(token)
