"""Where in user code a command was asked for."""

import asyncio
import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_PACKAGE = str(Path(__file__).parent.parent) + "/"
_ENGINE = {  # what lies below these frames is the worker, not the workflow
    (str(Path(__file__).parent / "loop.py"), "_drain"),
    (str(Path(__file__).parent / "execution.py"), "apply"),
}
_MACHINERY = (
    _PACKAGE,
    str(Path(asyncio.__file__).parent) + "/",
    contextlib.__file__,
    functools.__file__,
)


def call_site() -> str:
    """Return `package/module.py:line in function > …`, innermost line first and outermost function first.

    The path is made from the module's name, so that it is the same on every machine. Empty when no user code is on
    the stack, as in a task made of nothing but library code.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to read the stack cheaply
    place = ""
    functions: list[str] = []
    while frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) not in _ENGINE:
        if not frame.f_code.co_filename.startswith(_MACHINERY):
            place = place or f"{_file_of(frame)}:{frame.f_lineno}"
            functions.append(frame.f_code.co_name)
        frame = frame.f_back
    return f"{place} in {' > '.join(reversed(functions))}" if place else ""


def site_of(frame: FrameType) -> str:
    """Return the place of one frame, empty when it is library code."""
    if frame.f_code.co_filename.startswith(_MACHINERY):
        return ""
    return f"{_file_of(frame)}:{frame.f_lineno} in {frame.f_code.co_name}"


def site_of_function(function: Callable[..., Any]) -> str:
    """Return the place where a function is defined."""
    code = inspect.unwrap(function).__code__
    module = function.__module__.replace(".", "/")
    return f"{module}.py:{code.co_firstlineno} in {code.co_name}"


def file_of_module(frame: FrameType) -> str:
    """Return the file of a frame as its module names it, empty when it is library code."""
    return "" if frame.f_code.co_filename.startswith(_MACHINERY) else _file_of(frame)


def _file_of(frame: FrameType) -> str:
    module = str(frame.f_globals.get("__name__", ""))
    if module in {"", "__main__"}:
        return Path(frame.f_code.co_filename).name
    path = module.replace(".", "/")
    return (
        f"{path}/__init__.py"
        if Path(frame.f_code.co_filename).name == "__init__.py"
        else f"{path}.py"
    )
