"""Calls inside a turn that are no work of the workflow: what imports and logs read, and what the interpreter enters.

Each place is as narrow as can be: a file of the standard library, and the functions in it below which nothing of the
workflow runs but what was handed over for just that, such as the handler of a logger.
"""

import argparse
import copy
import gc
import gettext
import inspect
import linecache
import logging
import optparse
import os
import pickle
import random
import signal
import sys
import warnings
import weakref
import zoneinfo
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from holdfast._guard import unpickling
from holdfast._guard.table import Call

_IMPORTS = frozenset({"_exec", "_find_and_load", "_find_spec", "_load"})
_LOGS = frozenset({"_log", "handle"})
_SOURCES = frozenset({"findsource", "getabsfile", "getmodule", "getsourcefile"})
# And not the wrapper of `warnings.deprecated`, which calls what it decorates.
_WARNINGS = frozenset(
    {
        "_formatwarnmsg_impl",
        "_showwarnmsg",
        "_showwarnmsg_impl",
        "formatwarning",
        "showwarning",
        "_warn_unawaited_coroutine",
    }
)
_ANY = None
# By file, the functions that are at ease, by name or by qualified name.
_AT_EASE: dict[str, frozenset[str] | None] = {
    "<frozen importlib._bootstrap>": _IMPORTS,
    "<frozen importlib._bootstrap_external>": frozenset({"exec_module"}),
    argparse.__file__: frozenset({"HelpFormatter.__init__"}),
    gettext.__file__: _ANY,
    inspect.__file__: _SOURCES,
    linecache.__file__: _ANY,
    logging.__file__: _LOGS,
    optparse.__file__: frozenset({"HelpFormatter.__init__"}),
    warnings.__file__: _WARNINGS,
    f"{os.path.dirname(os.__file__)}/_colorize.py": _ANY,  # noqa: PTH120 - as frames spell it; new in Python 3.13
}
_ZONES = os.path.dirname(zoneinfo.__file__) + "/"  # noqa: PTH120 - as frames spell it
_PACKAGES = ("_pytest", "bdb", "coverage", "debugpy", "pdb", "pydantic.plugin", "pydevd")
_PACKAGE_PREFIXES = tuple(f"{package}." for package in _PACKAGES)
# These make a generator first, without a seed, and then give it its state.
_RESTORERS = {(copy.__file__, "_reconstruct"), (pickle.__file__, "load_reduce"), (unpickling.__file__, "unpickle")}  # fmt: skip
_LOCAL_ZONES = {"localtime", "posixrules"}  # links to the zone of the machine


def is_at_ease(call: Call, args: tuple[Any, ...], frames: list[FrameType], project: str) -> bool:
    """Tell whether a call is let through for what makes it; `frames` lead from the call to the loop."""
    if call.name == "open" and _is_zone(args, "rb"):
        return True
    if call.name == "io.FileIO" and _is_zone(args[1:], "r"):
        return True
    if call.rule == "HF112" and _is_restored(frames):
        return True
    if any(map(_is_at_ease, frames)):
        return True
    callbacks = {code for code in map(_code_of, _callbacks()) if code is not None}
    return any(_is_entered(frame, callbacks, project) for frame in frames)


def is_of(frame: FrameType, project: str) -> bool:
    """Tell whether a frame belongs to a top package."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] == project and not frame.f_code.co_filename.startswith(
        "<frozen"
    )


def _place(frame: FrameType) -> tuple[str, str]:
    return frame.f_code.co_filename, frame.f_code.co_name


def _is_restored(frames: list[FrameType]) -> bool:
    """Tell whether a generator is made by something that gives it its state next."""
    makers = (frame for frame in frames if frame.f_code.co_filename != random.__file__ and frame.f_code.co_name != "guarded")  # fmt: skip
    maker = next(makers, None)
    return maker is not None and _place(maker) in _RESTORERS


def _is_zone(args: tuple[Any, ...], mode: str) -> bool:
    """Tell whether a time zone is read: that is done in C, and no frame shows it."""
    if len(args) < 2 or args[1] != mode:  # noqa: PLR2004 - the path and the mode
        return False
    path = str(args[0])
    keys = (os.path.relpath(path, folder) for folder in zoneinfo.TZPATH if path.startswith(f"{folder}/"))  # fmt: skip
    key = next(keys, "..")
    return (
        os.path.normpath(path) == path
        and key not in _LOCAL_ZONES
        and not key.startswith((".", "/"))
    )


def _is_at_ease(frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_filename in _AT_EASE:
        names = _AT_EASE[code.co_filename]
        return names is None or code.co_name in names or code.co_qualname in names
    if code.co_filename.startswith(_ZONES):
        return True
    module = str(frame.f_globals.get("__name__", ""))
    return f"{module}.".startswith(_PACKAGE_PREFIXES)


# What the interpreter calls on its own, in the middle of whatever runs just then


def _callbacks() -> Iterator[Any]:
    """Yield what was handed to the interpreter to be called at some moment."""
    yield from map(signal.getsignal, signal.valid_signals())
    yield from gc.callbacks
    yield sys.gettrace()
    yield sys.getprofile()


def _code_of(callback: Any) -> CodeType | None:
    """Return the code of a function, of a method, of a partial of one, or of an object that can be called."""
    callback = getattr(callback, "func", callback)
    callback = getattr(callback, "__func__", callback)
    code: CodeType | None = getattr(callback, "__code__", None)
    if code is None:
        calls = (vars(kind).get("__call__") for kind in type(callback).__mro__)
        code = getattr(next(filter(None, calls), None), "__code__", None)
    return code


def _is_entered(frame: FrameType, callbacks: set[CodeType], project: str) -> bool:
    """Tell whether the interpreter called this frame, and not the code above it."""
    if frame.f_code in callbacks:
        return True
    if _place(frame) == (
        weakref.__file__,
        "__call__",
    ):  # a finalizer that was called by hand gets no reference
        return frame.f_locals.get("_") is not None
    return not is_of(frame, project) and (frame.f_code.co_name == "__del__" or _is_of_the_dead(frame))  # fmt: skip


def _is_of_the_dead(frame: FrameType) -> bool:
    """Tell whether a frame is the callback of a weak reference: it gets that, and nothing is left in it."""
    code = frame.f_code
    values = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
    return any(isinstance(value, weakref.ref) and value() is None for value in values)
