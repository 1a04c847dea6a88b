# ruff: noqa: ASYNC109 - these are asyncio's signatures
"""asyncio's functions as a workflow sees them: one meaning on every Python, and one order.

Between Python 3.11 and 3.13 these differ in the number of tasks that they make and in the step in which they go on,
which is enough to change the order of commands. Where Pythons differ, the newest one's meaning is taken.
"""

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from types import CoroutineType
from typing import Any, Self

from holdfast._core.refusals import refuse_foreign
from holdfast._core.sites import call_site
from holdfast._core.tasks import TurnFuture, TurnTask

_Future = asyncio.Future[Any]


def _loop() -> Any:
    return asyncio.get_running_loop()


def _adopt(awaitable: Any, loop: Any, site: str | None = None) -> _Future:
    """Return the future of an awaitable, a new task if it has none; one that is not of this run is refused.

    `site` is the line that asks, for callers that look it up once for many.
    """
    if site is not None and type(awaitable) is CoroutineType:
        task: _Future = loop.create_task_at(site, awaitable)
        return task
    _refuse_foreign_future(awaitable, loop)
    future: _Future = asyncio.ensure_future(awaitable, loop=loop)
    return future


def _refuse_foreign_future(awaitable: Any, loop: Any) -> None:
    if isinstance(awaitable, asyncio.Future) and awaitable.get_loop() is not loop:
        refuse_foreign("A future of another event loop", "Await an activity instead.")


def _adopt_all(awaitables: Iterable[Any]) -> list[_Future]:
    """Return the futures of awaitables in the order in which they are given, one for an awaitable given twice."""
    given = list(awaitables)
    loop, site = _loop(), call_site()
    found: dict[int, _Future] = {}
    try:
        for awaitable in given:
            if id(awaitable) not in found:
                found[id(awaitable)] = _adopt(awaitable, loop, site)
    except BaseException:
        for awaitable in given:  # else Python would warn of each that it was never awaited
            if inspect.iscoroutine(awaitable) and id(awaitable) not in found:
                awaitable.close()
        raise
    return [found[id(awaitable)] for awaitable in given]


class _Gathered(TurnFuture):
    """Be the future of `gather`: to cancel it is to cancel what it gathers."""

    def __init__(self, children: list[_Future], *, keeps_errors: bool, loop: Any) -> None:
        super().__init__(loop=loop)
        self._children = children
        self._keeps_errors = keeps_errors
        self._is_cancelled = False
        unique = list({id(child): child for child in children}.values())
        self._missing = len(unique)
        waiting = [child for child in unique if not child.done()]
        for child in waiting:
            child.add_done_callback(self._note)
        for child in unique:
            if child not in waiting:
                self._note(child)

    def cancel(self, msg: Any | None = None) -> bool:
        if self.done():
            return False
        asked = [child.cancel(msg) for child in self._children]
        self._is_cancelled = self._is_cancelled or any(asked)
        return any(asked)

    def _note(self, child: _Future) -> None:
        self._missing -= 1
        error = _error_of(child)
        if self.done():
            return  # the error is looked at and that is all: the first one was raised
        if error is not None and not self._keeps_errors:
            self.set_exception(error)
        elif not self._missing:
            if self._is_cancelled:
                # Children may have swallowed the cancellation; whoever asked for it must see it all the same.
                self.set_exception(
                    error if isinstance(error, asyncio.CancelledError) else asyncio.CancelledError()
                )
            else:
                self.set_result([_outcome(child) for child in self._children])


def _error_of(future: _Future) -> BaseException | None:
    if future.cancelled():
        return future._make_cancelled_error()  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - has the message
    return future.exception()


def _outcome(future: _Future) -> Any:
    if future.cancelled():
        return asyncio.CancelledError(*_message_of(future))
    error = future.exception()
    return future.result() if error is None else error


def _message_of(future: _Future) -> tuple[Any, ...]:
    message = getattr(future, "_cancel_message", None)
    return () if message is None else (message,)


def gather(*coros_or_futures: Any, return_exceptions: bool = False) -> _Future:
    """Run awaitables at once and return their results in order."""
    loop = _loop()
    if not coros_or_futures:
        nothing = TurnFuture(loop=loop)
        nothing.set_result([])
        return nothing
    children = _adopt_all(coros_or_futures)
    return _Gathered(children, keeps_errors=return_exceptions, loop=loop)


async def wait_for(fut: Any, timeout: float | None) -> Any:
    """Wait for one awaitable, in the task that calls; on timeout it is cancelled and `TimeoutError` raised."""
    if timeout is not None and timeout <= 0:
        return await _now_or_never(fut)
    _refuse_foreign_future(fut, _loop())
    try:
        async with asyncio.timeout(timeout):
            return await fut
    finally:
        if inspect.iscoroutine(fut):
            fut.close()  # of use only if it never began, as when the run is evicted: Python would warn


async def _now_or_never(awaitable: Any) -> Any:
    future = _adopt(awaitable, _loop())
    if future.done():
        return future.result()
    future.cancel()
    await wait([future])
    try:
        return future.result()
    except asyncio.CancelledError as error:
        raise TimeoutError from error


async def wait(
    fs: Iterable[Any],
    *,
    timeout: float | None = None,
    return_when: str = asyncio.ALL_COMPLETED,
) -> tuple[set[_Future], set[_Future]]:
    """Wait until one, one that fails, or all have ended."""
    given: Any = fs
    if asyncio.isfuture(given) or inspect.iscoroutine(given):
        raise TypeError(f"expect a list of futures, not {type(fs).__name__}")
    futures = list(dict.fromkeys(fs))
    if not futures:
        raise ValueError("Set of Tasks/Futures is empty.")
    if return_when not in {
        asyncio.ALL_COMPLETED,
        asyncio.FIRST_COMPLETED,
        asyncio.FIRST_EXCEPTION,
    }:
        raise ValueError(f"Invalid return_when value: {return_when}")
    if any(inspect.iscoroutine(future) for future in futures):
        raise TypeError("Passing coroutines is forbidden, use tasks explicitly.")
    for future in futures:
        _ = _adopt(future, _loop())
        if not isinstance(future, TurnTask | TurnFuture):
            refuse_foreign(
                "A future made with asyncio.Future(), whose place in a set is its address,",
                "Make futures with asyncio.get_running_loop().create_future().",
            )
    await _wait(futures, timeout, return_when)
    done = {future for future in futures if future.done()}
    return done, {future for future in futures if future not in done}


async def _wait(futures: list[_Future], limit: float | None, return_when: str) -> None:
    ends_it: Callable[[_Future], bool] = {
        asyncio.ALL_COMPLETED: lambda _: False,
        asyncio.FIRST_COMPLETED: lambda _: True,
        asyncio.FIRST_EXCEPTION: _has_failed,
    }[return_when]
    ended = [future for future in futures if future.done()]
    left = len(futures) - len(ended)
    if not left or any(map(ends_it, ended)):
        return
    loop = _loop()
    waiter = loop.create_future()

    def wake() -> None:
        if timer is not None:
            timer.cancel()
        if not waiter.done():
            waiter.set_result(None)

    def note(future: _Future) -> None:
        nonlocal left
        left -= 1
        if not left or ends_it(future):
            wake()

    timer = None if limit is None else loop.call_later(limit, wake)
    for future in futures:
        future.add_done_callback(note)
    try:
        await waiter
    finally:
        if timer is not None:
            timer.cancel()
        for future in futures:
            future.remove_done_callback(note)


def _has_failed(future: _Future) -> bool:
    """Tell whether a future ended in an error, a cancellation being none."""
    return not future.cancelled() and future.exception() is not None


class _Completions(Iterator[Coroutine[Any, Any, Any]]):
    """Give the outcomes of awaitables in the order in which they end."""

    def __init__(self, awaitables: Iterable[Any], timeout: float | None) -> None:
        loop = _loop()
        self._open = {id(future): future for future in _adopt_all(dict.fromkeys(awaitables))}
        self._ended: asyncio.Queue[_Future | None] = asyncio.Queue()
        self._left = len(self._open)
        self._timer: asyncio.TimerHandle | None = None
        for future in self._open.values():
            future.add_done_callback(self._end)
        if self._open and timeout is not None:
            self._timer = loop.call_later(timeout, self._give_up)

    def _end(self, future: _Future) -> None:
        if self._open.pop(id(future), None) is not None:
            self._ended.put_nowait(future)
            if not self._open and self._timer is not None:
                self._timer.cancel()

    def _give_up(self) -> None:
        for future in self._open.values():
            future.remove_done_callback(self._end)
            self._ended.put_nowait(None)
        self._open.clear()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Coroutine[Any, Any, Any]:
        if not self._left:
            raise StopIteration
        self._left -= 1
        return self._next_result()

    async def _next_future(self) -> _Future:
        future = await self._ended.get()
        if future is None:
            raise TimeoutError
        return future

    async def _next_result(self) -> Any:
        return (await self._next_future()).result()


class _AsyncCompletions(_Completions):
    """Be an asynchronous iterator of the futures themselves, too: asyncio offers that from Python 3.13 on."""

    def __aiter__(self) -> AsyncIterator[_Future]:
        return self

    async def __anext__(self) -> _Future:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return await self._next_future()


def as_completed(fs: Iterable[Any], *, timeout: float | None = None) -> _Completions:
    """Start awaitables in the order given, and give what they come to in the order in which they end."""
    if inspect.isawaitable(fs):
        raise TypeError(f"expects an iterable of awaitables, not {type(fs).__name__}")
    made = _Completions if sys.version_info < (3, 13) else _AsyncCompletions
    return made(fs, timeout)


def all_tasks(loop: Any = None) -> set[asyncio.Task[Any]]:
    """Return the tasks of this run that have not ended; asyncio looks through those of the whole process."""
    mine = _loop()
    if loop is not None and loop is not mine:
        refuse_foreign("Another event loop", "Ask for the tasks of the running loop.")
    return set(mine.pending_tasks())


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "gather": gather,
    "wait": wait,
    "wait_for": wait_for,
    "as_completed": as_completed,
    "all_tasks": all_tasks,
}
