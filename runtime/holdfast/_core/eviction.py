"""Let go of a run: every task unwound, every generator closed, and nothing left for the garbage collector to run.

A coroutine or generator that is dropped half-way runs its `finally` wherever the garbage collector happens to meet it,
on any thread, in the middle of another run. So clean-up code runs here, with the commands it asks for refused, and by
force in three steps: cancel, then close, then interrupt.
"""

import asyncio
import contextlib
import ctypes
import functools
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from types import AsyncGeneratorType, FrameType
from typing import Any

from holdfast._core.facts import EvictedError
from holdfast._core.loop import TurnLoop, aclose
from holdfast._core.tasks import TurnTask

_ROUNDS = 20  # cancellations that a task may swallow
_STEPS = 20_000  # callbacks that clean-up code may take in one round
_BLOWS = 100  # exceptions that a coroutine is interrupted with

_TOOLS = (4, 3, 5, 2, 1, 0)  # of `sys.monitoring`; first those that no kind of tool has for its own

_abandoned: list[Any] = []


def evict(loop: TurnLoop) -> int:
    """Unwind a run and return how many coroutines would not end."""
    loop.evicting = True
    with loop.running():
        _cancel_all(loop)
        _close_generators(loop)
        generators = [found for found in _generators(loop) if found.ag_frame is not None]
        ended = [_end(task.get_coro(), generators) for task in loop.pending_tasks()]
        for found in generators:
            if found.ag_frame is not None:
                _abandon(found)
        tasks = loop.tasks
        for task in tasks:
            _let_go(task)
        loop.close_for_good()
        tasks.clear()
    return ended.count(False)


def _cancel_all(loop: TurnLoop) -> None:
    for _ in range(_ROUNDS):
        alive = loop.pending_tasks()
        if not alive:
            return
        for task in alive:
            task.cancel()
        loop.unwind(_STEPS)


def _generators(loop: TurnLoop) -> list[AsyncGeneratorType[Any, Any]]:
    known = [reference() for reference in loop.generators.values()]
    found = {id(generator): generator for generator in (*known, *loop.orphans)}
    return [generator for generator in found.values() if isinstance(generator, AsyncGeneratorType)]


def _close_generators(loop: TurnLoop) -> None:
    for generator in _generators(loop):
        if generator.ag_frame is not None and not generator.ag_running:
            loop.tasks.append(TurnTask(aclose(generator), loop=loop, site=""))
            loop.unwind(_STEPS)
            _cancel_all(loop)


def _end(coro: Any, generators: list[Any]) -> bool:
    """End a coroutine that swallows cancellation, and before it what it awaits; False when it would not end."""
    chain = [part for part in _chain(coro) if _frame_of(part) is not None]
    # The innermost first: an outer one that ends drops the inner one, and the interpreter closes that as it can.
    ended = [_end_one(part, generators) for part in reversed(chain)]
    return all(ended)


def _end_one(part: Any, generators: list[Any]) -> bool:
    with contextlib.suppress(BaseException):
        part.close()
    for _ in range(_BLOWS):
        alive = [each for each in _chain(part) if _frame_of(each) is not None]
        if not alive:
            return True
        _interrupt(alive[-1], generators)  # it may have caught the close, and awaits something new
    _abandon(part)
    return False


def _abandon(part: Any) -> None:
    """Keep something for ever, also at the end of the process: dropping it would run its code, which may never end."""
    _abandoned.append(part)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(part))


def _interrupt(coro: Any, generators: list[Any]) -> None:
    """Raise in a coroutine, and again at the next line that it reaches.

    Code such as `while True: try: … except BaseException: pass` catches whatever it is sent. It does not catch what is
    raised in its own handler, and what watches its lines can raise there. That must not fall where the exception is
    thrown in, which is caught, but in the handler. What the coroutine awaits has been ended before, and is not watched.
    """
    frames = [frame for part in (coro, *generators) if (frame := _frame_of(part)) is not None]
    watch = _monitored if hasattr(sys, "monitoring") else _traced
    with watch(frames), contextlib.suppress(BaseException):
        coro.throw(EvictedError())


@contextlib.contextmanager
def _monitored(frames: list[FrameType]) -> Iterator[None]:
    """Raise at every line that one of these frames reaches; do nothing when all tools of the interpreter are taken."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # there is one from Python 3.12 on
    tool = next(filter(functools.partial(_take, monitoring), _TOOLS), None)
    if tool is None:
        yield
        return

    def blow(code: object, line: int) -> None:
        if sys._getframe(1) in frames:  # noqa: SLF001 - other threads may run the same code
            raise EvictedError

    codes = {frame.f_code for frame in frames}
    monitoring.register_callback(tool, monitoring.events.LINE, blow)
    for code in codes:
        monitoring.set_local_events(tool, code, monitoring.events.LINE)
    try:
        yield
    finally:
        for code in codes:
            monitoring.set_local_events(tool, code, 0)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)


def _take(monitoring: Any, tool: int) -> bool:
    try:
        monitoring.use_tool_id(tool, "holdfast")
    except ValueError:  # somebody else has it
        return False
    return True


@contextlib.contextmanager
def _traced(frames: list[FrameType]) -> Iterator[None]:
    """Raise once, at the next line that one of these frames reaches: a trace function that raises is removed.

    On Python 3.11 there is nothing else, so a handler of everything around another one outlives this.
    """

    def blow(frame: FrameType, event: str, arg: object) -> Callable[..., Any]:
        if event == "line":
            raise EvictedError
        return blow

    for frame in frames:
        frame.f_trace = blow
    tracing = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        yield
    finally:
        sys.settrace(tracing)


def _chain(coro: Any) -> Iterator[Any]:
    """Return a coroutine, what it awaits, what that awaits, and so on."""
    while coro is not None:
        yield coro
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)


def _frame_of(part: Any) -> FrameType | None:
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        frame: FrameType | None = getattr(part, name, None)
        if frame is not None:
            return frame
    return None


def _let_go(task: TurnTask) -> None:
    """Forget the outcome of a task, and what the frames in its traceback hold."""
    task.hush()
    if not task.done():
        return
    error: BaseException | None = (
        task._make_cancelled_error()  # type: ignore[attr-defined]  # noqa: SLF001 - the error with its traceback
        if task.cancelled()
        else task.exception()
    )
    for part in _parts(error):
        traceback.clear_frames(part.__traceback__)


def _parts(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [part.__context__, part.__cause__]
        if isinstance(part, BaseExceptionGroup):
            waiting += part.exceptions


def _is_evicting() -> bool:
    loop = asyncio._get_running_loop()  # noqa: SLF001 - None where there is none, without an exception
    return isinstance(loop, TurnLoop) and loop.evicting


def _quiet_while_evicting(warn: Callable[[Any], None]) -> Callable[[Any], None]:
    def warn_unawaited_coroutine(coro: Any) -> None:
        if not _is_evicting():
            warn(coro)

    return warn_unawaited_coroutine


# A run that is evicted before it awaits each of its coroutines is no mistake of anybody: it is made again by replay.
# A filter of `warnings` would hold for every thread; this is what the interpreter calls, and it sees whose turn it is.
if hasattr(warnings, "_warn_unawaited_coroutine"):
    warnings._warn_unawaited_coroutine = _quiet_while_evicting(  # noqa: SLF001 - there is no other hook
        warnings._warn_unawaited_coroutine  # noqa: SLF001
    )
