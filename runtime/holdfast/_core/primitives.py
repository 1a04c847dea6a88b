# ruff: noqa: SLF001 - asyncio keeps what these methods share in attributes of its own
"""The methods of asyncio's classes as a workflow sees them: one meaning on every Python.

Who is woken by a lock, how a task group counts cancellations and what a time limit makes of an error changed between
Python 3.11 and 3.13, and with it the order of commands. These are the newest Python's meanings. They work on the
attributes of asyncio's own objects, so that the methods that did not change go on working.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context
from types import TracebackType
from typing import Any

# Locks


def _waiters(lock: Any) -> deque[asyncio.Future[Any]]:
    if lock._waiters is None:
        lock._waiters = deque()
    waiters: deque[asyncio.Future[Any]] = lock._waiters
    return waiters


async def lock_acquire(lock: Any) -> bool:
    """Take the lock, or wait in line for it."""
    line = _waiters(lock)
    if not lock._locked and all(waiter.cancelled() for waiter in line):
        lock._locked = True
        return True
    place = lock._get_loop().create_future()
    line.append(place)
    try:
        await place
    except asyncio.CancelledError:
        line.remove(place)
        if not lock._locked:  # it was this one's turn, perhaps: pass it on
            lock._wake_up_first()
        raise
    line.remove(place)
    lock._locked = True
    return True


def lock_wake_up_first(lock: Any) -> None:
    """Wake the first in line, unless it is awake."""
    first = next(iter(_waiters(lock)), None)
    if first is not None and not first.done():
        first.set_result(True)


async def condition_wait(condition: Any) -> bool:
    """Let go of the lock until notified; a notification that reaches a task as it fails goes to the next one."""
    if not condition.locked():
        raise RuntimeError("cannot wait on un-acquired lock")
    place = condition._get_loop().create_future()
    condition.release()
    try:
        try:
            condition._waiters.append(place)
            try:
                await place
            finally:
                condition._waiters.remove(place)
        finally:
            await _acquire_whatever_comes(condition)
    except BaseException:
        _wake(condition._waiters, 1)
        raise
    return True


async def _acquire_whatever_comes(condition: Any) -> None:
    """Take the lock again, however often the task is cancelled meanwhile, and raise the last cancellation."""
    cancelled: asyncio.CancelledError | None = None
    while True:
        try:
            await condition.acquire()
            break
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        try:
            raise cancelled
        finally:
            cancelled = None  # the error's traceback leads back to this frame


def condition_notify(condition: Any, n: int = 1) -> None:
    """Wake the first `n` tasks that wait."""
    if not condition.locked():
        raise RuntimeError("cannot notify on un-acquired lock")
    _wake(condition._waiters, n)


def _wake(line: Iterable[asyncio.Future[Any]], count: int) -> None:
    for place in [waiting for waiting in line if not waiting.done()][:count]:
        place.set_result(False)


def semaphore_locked(semaphore: Any) -> bool:
    """Tell whether the next one has to wait."""
    return semaphore._value == 0 or any(not place.cancelled() for place in semaphore._waiters or ())


async def semaphore_acquire(semaphore: Any) -> bool:
    """Take one of the places, or wait in line for one."""
    if not semaphore_locked(semaphore):
        semaphore._value -= 1
        return True
    line = _waiters(semaphore)
    place = semaphore._get_loop().create_future()
    line.append(place)
    try:
        try:
            await place
        finally:
            line.remove(place)
    except asyncio.CancelledError:
        if place.done() and not place.cancelled():  # it was given a place that it will not take
            semaphore._value += 1
        raise
    finally:
        while semaphore._value > 0 and _give_place(semaphore):
            pass
    return True


def semaphore_release(semaphore: Any) -> None:
    """Give a place back."""
    semaphore._value += 1
    _give_place(semaphore)


def _give_place(semaphore: Any) -> bool:
    first = next((place for place in semaphore._waiters or () if not place.done()), None)
    if first is None:
        return False
    semaphore._value -= 1
    first.set_result(True)
    return True


# Time limits


async def timeout_enter(limit: Any) -> Any:
    """Enter the block, noting the cancellations that are not this limit's own; before 3.11.4 asyncio notes none."""
    states = type(limit._state)
    if limit._state is not states.CREATED:
        raise RuntimeError("Timeout has already been entered")
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Timeout should be used inside a task")
    limit._state = states.ENTERED
    limit._task = task
    limit._cancelling = task.cancelling()
    limit.reschedule(limit._when)
    return limit


async def timeout_exit(
    limit: Any,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Leave the block; a cancellation that is this limit's own and nobody else's becomes `TimeoutError`."""
    states = type(limit._state)
    if limit._timeout_handler is not None:
        limit._timeout_handler.cancel()
        limit._timeout_handler = None
    if limit._state is states.ENTERED:
        limit._state = states.EXITED
    elif limit._state is states.EXPIRING:
        limit._state = states.EXPIRED
        is_ours = limit._task.uncancel() <= limit._cancelling
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
        if is_ours and error is not None:
            parts = error.exceptions if isinstance(error, ExceptionGroup) else ()
            for part in (error, *parts):
                _tell_timeout(part)


def _tell_timeout(error: BaseException) -> None:
    """Put a `TimeoutError` where the chain of causes of an error names the cancellation."""
    while error.__context__ is not None:
        if isinstance(error.__context__, asyncio.CancelledError):
            told = TimeoutError()
            told.__context__ = told.__cause__ = error.__context__
            error.__context__ = told
            return
        error = error.__context__


# Task groups

_ENDS_THE_PROCESS = (SystemExit, KeyboardInterrupt)


async def group_enter(group: Any) -> Any:
    """Enter the group; its children are kept in the order of their creation."""
    if group._entered:
        raise RuntimeError(f"TaskGroup {group!r} has already been entered")
    loop = asyncio.get_running_loop()
    parent = asyncio.current_task(loop)
    if parent is None:
        raise RuntimeError(f"TaskGroup {group!r} cannot determine the parent task")
    group._entered = True
    group._loop = loop
    group._parent_task = parent
    group._tasks = {}
    return group


def group_create_task(
    group: Any,
    coro: Any,
    *,
    name: str | None = None,
    context: Context | None = None,
    **kwargs: Any,
) -> asyncio.Task[Any]:
    """Start a child."""
    state = (
        "has not been entered" if not group._entered
        else "is finished" if group._exiting and not group._tasks
        else "is shutting down" if group._aborting
        else ""
    )  # fmt: skip
    if state:
        coro.close()
        raise RuntimeError(f"TaskGroup {group!r} {state}")
    task: asyncio.Task[Any] = group._loop.create_task(coro, name=name, context=context, **kwargs)
    group._tasks[task] = None
    task.add_done_callback(group._on_task_done)
    return task


def group_abort(group: Any) -> None:
    """Cancel the children in the order of their creation."""
    group._aborting = True
    for task in list(group._tasks):
        if not task.done():
            task.cancel()


def group_on_task_done(group: Any, task: asyncio.Task[Any]) -> None:
    """Note how a child ended; the first error cancels the others, and the block."""
    group._tasks.pop(task, None)
    waiter = group._on_completed_fut
    if waiter is not None and not group._tasks and not waiter.done():
        waiter.set_result(True)
    error = None if task.cancelled() else task.exception()
    if error is None:
        return
    group._errors.append(error)
    if isinstance(error, _ENDS_THE_PROCESS) and group._base_error is None:
        group._base_error = error
    if group._parent_task.done():
        group._loop.call_exception_handler(
            {
                "message": f"Task {task!r} has errored out but its parent task {group._parent_task} is already completed",
                "exception": error,
                "task": task,
            }
        )
    elif not group._aborting and not group._parent_cancel_requested:
        group._abort()
        group._parent_cancel_requested = True
        group._parent_task.cancel()


async def group_exit(
    group: Any,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Wait for the children, and raise what went wrong in them and in the block."""
    group._exiting = True
    cancelled = error if isinstance(error, asyncio.CancelledError) else None
    if isinstance(error, _ENDS_THE_PROCESS) and group._base_error is None:
        group._base_error = error
    if kind is not None and not group._aborting:
        group._abort()
    cancelled = await _children_end(group) or cancelled
    if group._base_error is not None:
        raise group._base_error
    parent = group._parent_task
    if group._parent_cancel_requested and parent.uncancel() == 0:
        cancelled = None  # it was the group's own request
    if cancelled is not None and not group._errors:
        raise cancelled
    if error is not None and not isinstance(error, asyncio.CancelledError):
        group._errors.append(error)
    if group._errors:
        _raise_errors(group, parent)


async def _children_end(group: Any) -> asyncio.CancelledError | None:
    """Wait until no child is left; a cancellation from outside aborts the group, and is returned."""
    cancelled = None
    while group._tasks:
        if group._on_completed_fut is None:
            group._on_completed_fut = group._loop.create_future()
        try:
            await group._on_completed_fut
        except asyncio.CancelledError as error:
            if not group._aborting:
                cancelled = error
                group._abort()
        group._on_completed_fut = None
    return cancelled


def _raise_errors(group: Any, parent: asyncio.Task[Any]) -> None:
    if parent.cancelling():
        # Cancelled from outside as well: asked again, so that the next await of the parent raises it, with the
        # number of requests unchanged.
        parent.uncancel()
        parent.cancel()
    try:
        raise BaseExceptionGroup("unhandled errors in a TaskGroup", group._errors) from None
    finally:
        group._errors = None  # errors lead to frames, and frames to the group


METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    asyncio.Lock: {"acquire": lock_acquire, "_wake_up_first": lock_wake_up_first},
    asyncio.Condition: {"wait": condition_wait, "notify": condition_notify},
    asyncio.Semaphore: {
        "locked": semaphore_locked,
        "acquire": semaphore_acquire,
        "release": semaphore_release,
    },
    asyncio.Timeout: {"__aenter__": timeout_enter, "__aexit__": timeout_exit},
    asyncio.TaskGroup: {
        "__aenter__": group_enter,
        "__aexit__": group_exit,
        "create_task": group_create_task,
        "_abort": group_abort,
        "_on_task_done": group_on_task_done,
    },
}
