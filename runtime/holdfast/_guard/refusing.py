"""Whether a guarded call may go on, and the error if it may not."""

import asyncio
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from holdfast._core.loop import TurnLoop
from holdfast._core.sites import call_site, is_machinery, is_turn_start
from holdfast._guard.ease import is_at_ease, is_of
from holdfast._guard.payloads import Payload, payload_of
from holdfast._guard.table import PURPOSES, RULES, Call
from holdfast.errors import ArgumentError, ForbiddenCallError

_LIBRARIES = tuple(
    {
        f"{Path(sysconfig.get_paths()[key]).resolve()}/"
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    | {f"{sysconfig.get_paths()[key]}/" for key in ("stdlib", "platstdlib", "purelib", "platlib")}
)


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


def judge(loop: TurnLoop, call: Call, args: tuple[Any, ...], names: Mapping[str, Any]) -> None:
    """Raise `ForbiddenCallError` for a call inside a turn, unless there is a reason to let it pass."""
    if call.harmless is not None and call.harmless.when(args, names):
        return
    allowed = _unsafe.get()
    if allowed is not None and allowed[0] is asyncio.current_task(loop):
        return
    frames = _frames()
    if not is_at_ease(call, args, frames, loop.project):
        _refuse(loop, call, frames)


def _frames() -> list[FrameType]:
    """Return the frames from the call to the loop."""
    found: list[FrameType] = []
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001 - the caller of the guarded function
    while frame is not None and not is_turn_start(frame):
        found.append(frame)
        frame = frame.f_back
    return found


def _refuse(loop: TurnLoop, call: Call, frames: list[FrameType]) -> NoReturn:
    project, payload = loop.project, payload_of(call, frames)
    index = next((i for i, frame in enumerate(frames) if is_of(frame, project)), None)
    if index is None:
        nobody = len(frames) if payload else 0
        index = next((i for i, frame in enumerate(frames) if not _is_library(frame)), nobody)
    library = [frame for frame in frames[:index] if not is_machinery(frame)]
    name = _name_of(library[-1], call) if library else call.name
    site = call_site(frames[index]) if index < len(frames) else ""
    raise loop.refused(_error(call, name, site, payload))


def _error(call: Call, name: str, site: str, payload: Payload | None) -> ForbiddenCallError:
    # Whatever a library is for, one that waits blocks the worker.
    waits = call.rule == "HF305"
    rule = call.rule if name == call.name or waits else _purpose(name) or call.rule
    what = spelled(name)
    if name != call.name and rule == call.rule and name not in PURPOSES and not waits:
        what = f"{what} calls {spelled(call.name)}, which"
    place = f" ({site})" if site else ""
    known = RULES[rule]
    when = f", {payload.when}" if payload else ""
    remedy = payload.remedy if payload and payload.remedy else known.remedy
    return ForbiddenCallError(
        f"{what} {known.does} inside a workflow{place}{when}. {remedy}. Lint rule {rule} finds this before it runs.",
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
    # `os.environ.get` and its like, and helpers of what is written in C.
    if module == "collections.abc" or name.startswith(("os._Environ", "_")):
        return call.name
    return name.replace("random.Random.", "random.") if call.rule == "HF111" else name


def _is_library(frame: FrameType) -> bool:
    return is_machinery(frame) or frame.f_code.co_filename.startswith((*_LIBRARIES, "<"))
