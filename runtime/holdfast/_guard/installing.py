"""Puts the guard in place, once per process, when the first turn is about to be applied."""

import asyncio
import functools
import gc
import importlib
import random
import threading
from collections.abc import Callable
from datetime import date
from types import BuiltinFunctionType
from typing import Any

from holdfast._core.loop import TurnLoop
from holdfast._guard import inplace
from holdfast._guard.refusing import judge
from holdfast._guard.table import SHARED_DRAWS, Call, functions, methods

_running = asyncio._get_running_loop  # noqa: SLF001 - what tells a turn from everything else, on this thread
_CLASS_METHOD = type(vars(date)["today"])
_once = threading.Lock()


def install() -> None:
    """Guard everything that the table names; what this Python or system does not have is left out."""
    with _once:
        _install()


@functools.cache
def _install() -> None:
    captured = _captured_clocks()
    for call in functions():
        _guard_function(call)
    for call in methods():
        _guard_method(call)
    for name in SHARED_DRAWS:
        _guard_shared(name)
    for function in captured:
        _guard_captured(function)


def _guarded(call: Call, original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        loop = _running()
        if type(loop) is TurnLoop:
            judge(loop, call, args)
        return original(*args, **kwargs)

    return guarded


def _guarded_method(call: Call, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        loop = _running()
        if type(loop) is TurnLoop:
            judge(loop, call, args or tuple(kwargs.values()))
        return original(self, *args, **kwargs)

    return guarded


def _guard_function(call: Call) -> None:
    owner, name = _owner_of(call.place)
    function = getattr(owner, name, None)
    if function is None:
        return
    if not inplace.divert(function, lambda original: _guarded(call, original)):
        setattr(owner, name, functools.wraps(function)(_guarded(call, function)))


def _guard_method(call: Call) -> None:
    owner, name = _owner_of(call.place)
    if not hasattr(owner, name):
        return
    if not isinstance(owner, type):
        function = getattr(owner, name)
        setattr(owner, name, functools.wraps(function)(_guarded(call, function)))
    elif type(vars(owner).get(name)) is _CLASS_METHOD:
        inplace.set_method(owner, name, classmethod(_guarded_method(call, vars(owner)[name])))
    else:
        inplace.set_method(owner, name, _guarded_method(call, getattr(owner, name)))


def _owner_of(place: str) -> tuple[Any, str]:
    parts = place.split(".")
    try:
        owner: Any = importlib.import_module(parts[0])
    except ImportError:
        return None, parts[-1]
    for index, part in enumerate(parts[1:-1], start=2):
        if not hasattr(owner, part):
            importlib.import_module(".".join(parts[:index]))
        owner = getattr(owner, part)
    return owner, parts[-1]


def _guard_shared(name: str) -> None:
    """Guard a draw of the generator that the functions of `random` share; seeded generators are left alone."""
    shared = random.getstate.__self__  # type: ignore[attr-defined]  # a bound method, which the stub does not say
    call = Call(f"random.{name}", "HF111", "")
    setattr(shared, name, _guarded(call, getattr(shared, name)))  # for `random.choice` and the rest
    inplace.divert(getattr(random, name), lambda original: _guarded(call, original))


def _captured_clocks() -> list[BuiltinFunctionType]:
    """Find what was made of `datetime.now` before: a default factory keeps the bound method, not the class."""
    names = {
        call.name.rpartition(".")[2] for call in methods() if call.name.startswith("datetime.")
    }
    return [
        found
        for found in gc.get_objects()
        if type(found) is BuiltinFunctionType
        and found.__name__ in names
        and isinstance(found.__self__, type)
        and issubclass(found.__self__, date)
    ]


def _guard_captured(function: BuiltinFunctionType) -> None:
    owner = "date" if function.__name__ == "today" else "datetime"
    call = Call(f"datetime.{owner}.{function.__name__}", "HF101", "")
    inplace.divert(function, lambda original: _guarded(call, original))
