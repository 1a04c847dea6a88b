"""Where in user code a command was asked for."""

import asyncio
import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import CodeType, CoroutineType, FrameType
from typing import Any

_PACKAGE = str(Path(__file__).parent.parent) + "/"
_ENGINE = {  # what lies below these frames is the worker, not the workflow
    (str(Path(__file__).parent / "loop.py"), "_drain"),
    (str(Path(__file__).parent / "execution.py"), "apply"),
    (str(Path(__file__).parent / "execution.py"), "_outcome"),
}
_BELOW = {name for _, name in _ENGINE}
_MOST_SITES = 4096
_sites: dict[tuple[object, ...], tuple[str, list[CodeType]]] = {}
# From Python 3.12 on, a comprehension runs in the frame of its function; before, it has one that no newer Python names.
_INLINED = {"<listcomp>", "<setcomp>", "<dictcomp>"}
_MACHINERY = (
    _PACKAGE,
    str(Path(asyncio.__file__).parent) + "/",
    contextlib.__file__,
    functools.__file__,
)


def call_site(start: FrameType | None = None) -> str:
    """Return `package/module.py:line in function > …`, innermost line first and outermost function first.

    The path is made from the module's name, so that it is the same on every machine. Empty when no user code is on
    the stack, as in a task made of nothing but library code, and outside a turn: what the stack says there is who
    drives the run. Frames inside of `start` do not count.
    """
    frame: FrameType | None = start or sys._getframe(2)  # noqa: SLF001 - whoever called holdfast's code that asks
    frames: list[FrameType] = []
    key: list[object] = []
    while frame is not None:
        code = frame.f_code
        if not _is_machinery(code.co_filename):
            frames.append(frame)
            key.append(id(code))
            key.append(frame.f_lasti)
        elif code.co_name in _BELOW and (code.co_filename, code.co_name) in _ENGINE:
            break
        frame = frame.f_back
    if frame is None or not frames:
        return ""
    key.append(str(frames[0].f_globals.get("__name__", "")))
    known = _sites.get(tuple(key))
    return _noted(tuple(key), frames) if known is None else known[0]


def _noted(key: tuple[object, ...], frames: list[FrameType]) -> str:
    if len(_sites) >= _MOST_SITES:
        _sites.clear()
    site = _spelled(frames)
    # With the code itself, so that no other code is ever met under its id.
    _sites[key] = site, [frame.f_code for frame in frames]
    return site


def _spelled(frames: list[FrameType]) -> str:
    names = [frame.f_code.co_name for frame in reversed(frames)]
    functions = " > ".join(name for name in names if name not in _INLINED)
    return f"{_file_of(frames[0])}:{frames[0].f_lineno} in {functions}"


def is_turn_start(frame: FrameType) -> bool:
    """Tell whether a frame is where the loop of a run calls workflow code."""
    return (frame.f_code.co_filename, frame.f_code.co_name) in _ENGINE


def is_machinery(frame: FrameType) -> bool:
    """Tell whether a frame belongs to holdfast or asyncio, or to helpers that stand between a user's lines."""
    return _is_machinery(frame.f_code.co_filename)


def site_of(frame: FrameType) -> str:
    """Return the place of one frame, empty when it is library code."""
    if is_machinery(frame):
        return ""
    # A frame that waits has none below it, so that the name of the function comes from the qualified name.
    names = frame.f_code.co_qualname.split(".<locals>.")
    name = next((part for part in reversed(names) if part not in _INLINED), "<module>")
    return f"{_file_of(frame)}:{frame.f_lineno} in {name.rpartition('.')[2]}"


def site_of_function(function: Callable[..., Any]) -> str:
    """Return the place where a function is defined."""
    code = inspect.unwrap(function).__code__
    module = function.__module__.replace(".", "/")
    return f"{module}.py:{code.co_firstlineno} in {code.co_name}"


def innermost_site(coro: Any) -> str:
    """Return the innermost line of user code at which a coroutine waits."""
    site = ""
    while isinstance(coro, CoroutineType | Coroutine):
        frame = getattr(coro, "cr_frame", None)
        if frame is not None:
            site = site_of(frame) or site
        coro = getattr(coro, "cr_await", None)
    return site


def file_of_module(frame: FrameType) -> str:
    """Return the file of a frame as its module names it, empty when it is library code."""
    return "" if is_machinery(frame) else _file_of(frame)


# Every command asks for its place, and there are few files: what a name says of a file is worked out once.
@functools.lru_cache(maxsize=4096)
def _is_machinery(filename: str) -> bool:
    return filename.startswith(_MACHINERY)


def _file_of(frame: FrameType) -> str:
    return _file_of_module(str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename)


@functools.lru_cache(maxsize=4096)
def _file_of_module(module: str, filename: str) -> str:
    name = Path(filename).name
    if module in {"", "__main__"}:
        return name
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if name == "__init__.py" else f"{path}.py"
