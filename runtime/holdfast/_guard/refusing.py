"""Whether a guarded call may go on, and the error if it may not."""

import asyncio
import copy
import importlib
import inspect
import linecache
import logging
import sys
import sysconfig
import traceback
import warnings
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from holdfast._core.loop import TurnLoop
from holdfast._core.sites import call_site, is_machinery, is_turn_start
from holdfast._guard.table import PURPOSES, RULES, Call
from holdfast.errors import ArgumentError, ForbiddenCallError

_LIBRARIES = tuple(
    {
        f"{Path(sysconfig.get_paths()[key]).resolve()}/"
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    | {f"{sysconfig.get_paths()[key]}/" for key in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def _folder(module: Any) -> str:
    return str(Path(module.__file__).parent) + "/"


# What these do for their own sake is no work of the workflow: importing, logging, showing errors, debugging, time zones.
_AT_EASE = (
    "<frozen importlib", "<frozen zipimport", _folder(importlib), _folder(logging), _folder(zoneinfo),
    inspect.__file__, linecache.__file__, traceback.__file__, warnings.__file__,
)  # fmt: skip
_AT_EASE_PACKAGES = ("_pytest", "bdb", "coverage", "debugpy", "pdb", "pydantic.plugin", "pydevd")

_unsafe: ContextVar[tuple[object, str] | None] = ContextVar("holdfast_unsafe", default=None)


@contextmanager
def unsafe(reason: str) -> Iterator[None]:
    """Do what `workflow.unsafe` promises."""
    if not str(reason or "").strip():
        raise ArgumentError(
            f"workflow.unsafe({reason!r}) needs a reason in words: why does replay get along with what follows?"
        )
    loop = asyncio._get_running_loop()  # noqa: SLF001 - as asyncio's own C code asks
    if type(loop) is not TurnLoop:
        yield
        return
    token = _unsafe.set((asyncio.current_task(loop), reason))
    try:
        yield
    finally:
        _unsafe.reset(token)


def judge(loop: TurnLoop, call: Call, args: tuple[Any, ...]) -> None:
    """Raise `ForbiddenCallError` for a call inside a turn, unless there is a reason to let it pass."""
    if _is_pure(call, args) or _is_zone(call, args):
        return
    allowed = _unsafe.get()
    if allowed is not None and allowed[0] is asyncio.current_task(loop):
        return
    frames = _frames(loop)
    if frames is not None:
        _refuse(loop, call, frames)


def _is_pure(call: Call, args: tuple[Any, ...]) -> bool:
    count = call.pure_from
    return count is not None and len(args) >= count and args[count - 1] is not None


def _is_zone(call: Call, args: tuple[Any, ...]) -> bool:
    """Tell whether a time zone is read: that is done in C, and no frame shows it."""
    folders = tuple(f"{folder}/" for folder in zoneinfo.TZPATH)
    return call.name in {"open", "io.FileIO"} and bool(args) and str(args[0]).startswith(folders)


def _frames(loop: TurnLoop) -> list[FrameType] | None:
    """Return the frames from the call to the loop, or None when one of them is at ease."""
    found: list[FrameType] = []
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001 - the caller of the guarded function
    while frame is not None and not is_turn_start(frame):
        if _is_at_ease(frame):
            return None
        found.append(frame)
        frame = frame.f_back
    return found


def _is_at_ease(frame: FrameType) -> bool:
    if frame.f_code.co_filename.startswith(_AT_EASE):
        return True
    if (
        frame.f_code.co_filename == copy.__file__
    ):  # makes the copy first, and then gives it its state
        return frame.f_code.co_name == "_reconstruct"
    module = str(frame.f_globals.get("__name__", ""))
    return f"{module}.".startswith(tuple(f"{package}." for package in _AT_EASE_PACKAGES))


def _refuse(loop: TurnLoop, call: Call, frames: list[FrameType]) -> NoReturn:
    project = loop.project
    index = next((i for i, frame in enumerate(frames) if _is_of(frame, project)), None)
    if index is None:
        index = next((i for i, frame in enumerate(frames) if not _is_library(frame)), 0)
    library = [frame for frame in frames[:index] if not is_machinery(frame)]
    name = _name_of(library[-1], call) if library else call.name
    raise loop.refused(_error(call, name, call_site(frames[index])))


def _error(call: Call, name: str, site: str) -> ForbiddenCallError:
    rule = call.rule if name == call.name else _purpose(name) or call.rule
    what = spelled(name)
    if name != call.name and rule == call.rule and name not in PURPOSES:
        what = f"{what} calls {spelled(call.name)}, which"
    place = f" ({site})" if site else ""
    known = RULES[rule]
    return ForbiddenCallError(
        f"{what} {known.does} inside a workflow{place}. {known.remedy}. Lint rule {rule} finds this before it runs.",
        rule=rule,
        site=site,
    )


def spelled(name: str) -> str:
    """Return a guarded name as a reader writes it."""
    return name if name == "os.environ" else f"{name}()"


def _purpose(name: str) -> str | None:
    while name:
        if name in PURPOSES:
            return PURPOSES[name]
        name = name.rpartition(".")[0]
    return None


def _name_of(frame: FrameType, call: Call) -> str:
    """Return what user code called, as it is imported."""
    module = str(frame.f_globals.get("__name__", "?"))
    name = f"{module}.{frame.f_code.co_qualname}".removesuffix(".__init__")
    if module == "collections.abc" or name.startswith(
        "os._Environ"
    ):  # `os.environ.get` and its like
        return call.name
    return name.replace("random.Random.", "random.") if call.rule == "HF111" else name


def _is_of(frame: FrameType, project: str) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] == project and not frame.f_code.co_filename.startswith(
        "<frozen"
    )


def _is_library(frame: FrameType) -> bool:
    return is_machinery(frame) or frame.f_code.co_filename.startswith((*_LIBRARIES, "<"))
