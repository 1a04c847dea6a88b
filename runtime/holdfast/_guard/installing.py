"""Puts the guard in place, once per process, when the first turn is about to be applied."""

import asyncio
import functools
import gc
import importlib
import pickle
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from types import BuiltinFunctionType
from typing import Any

from holdfast._core.loop import TurnLoop
from holdfast._guard import inplace
from holdfast._guard.harmless import Harmless
from holdfast._guard.refusing import judge
from holdfast._guard.table import SHARED_DRAWS, Call, functions, methods
from holdfast._guard.unpickling import framed
from holdfast._guard.waiting import guarded_acquire

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
    for function, call in captured:
        _guard_captured(function, call)
    _guard_locks()
    _frame_unpickling()


def _guarded(call: Call, original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        loop = _running()
        if type(loop) is TurnLoop:
            judge(loop, call, args, kwargs)
        return original(*args, **kwargs)

    return guarded


def _guarded_method(call: Call, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        loop = _running()
        if type(loop) is TurnLoop:
            judge(loop, call, (self, *args), kwargs)
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
    if owner is None or not hasattr(owner, name):
        return
    if not isinstance(owner, type):
        function = getattr(owner, name)
        setattr(owner, name, functools.wraps(function)(_guarded(call, function)))
    elif type(vars(owner).get(name)) is _CLASS_METHOD:
        inplace.set_method(owner, name, classmethod(_guarded_method(call, vars(owner)[name])))
    else:
        inplace.set_method(owner, name, _guarded_method(call, getattr(owner, name)))


def _owner_of(place: str) -> tuple[Any, str]:
    """Return the module or class of a place and the last name in it; None where this Python has no such thing."""
    *parts, name = place.split(".")
    try:
        owner: Any = importlib.import_module(parts[0])
        for index, part in enumerate(parts[1:], start=2):
            if part.endswith("()"):
                owner = type(getattr(owner, part.removesuffix("()"))())
            else:
                if not hasattr(owner, part):
                    importlib.import_module(".".join(parts[:index]))
                owner = getattr(owner, part)
    except (ImportError, AttributeError):
        return None, name
    return owner, name


def _guard_shared(name: str) -> None:
    """Guard a draw of the generator that the functions of `random` share; seeded generators are left alone."""
    shared = random.getstate.__self__  # type: ignore[attr-defined]  # a bound method, which the stub does not say
    call = Call(f"random.{name}", "HF111", "")
    setattr(shared, name, _guarded(call, getattr(shared, name)))  # for `random.choice` and the rest
    inplace.divert(getattr(random, name), lambda original: _guarded(call, original))


def _captured_clocks() -> list[tuple[BuiltinFunctionType, Call]]:
    """Find what was made of `datetime.now` before: a default factory keeps the bound method, not the class."""
    known = {call.name: call for call in methods() if call.name.startswith("datetime.")}
    return [
        (found, known[name])
        for found in gc.get_objects()
        if type(found) is BuiltinFunctionType
        and isinstance(found.__self__, type)
        and issubclass(found.__self__, date)
        and (name := _name_of_clock(found)) in known
    ]


def _name_of_clock(method: BuiltinFunctionType) -> str:
    of_datetime = isinstance(method.__self__, type) and issubclass(method.__self__, datetime)
    is_date = method.__name__ == "today" or not of_datetime
    return f"datetime.{'date' if is_date else 'datetime'}.{method.__name__}"


def _guard_captured(function: BuiltinFunctionType, call: Call) -> None:
    # It is bound to its class, which a method gets as its first argument.
    first = Harmless(lambda args, names: call.harmless is not None and call.harmless.when((None, *args), names), "")  # fmt: skip
    bound = replace(call, harmless=first)
    inplace.divert(function, lambda original: _guarded(bound, original))


def _guard_locks() -> None:
    lock = type(threading.Lock())
    acquire = guarded_acquire(lock.acquire)
    for name in ("acquire", "__enter__"):
        inplace.set_method(lock, name, functools.wraps(getattr(lock, name))(acquire))


def _frame_unpickling() -> None:
    for name in ("loads", "load"):
        inplace.divert(getattr(pickle, name), framed)
    unpickler = pickle.Unpickler  # noqa: S301 - nothing is read
    inplace.set_method(unpickler, "load", functools.wraps(unpickler.load)(framed(unpickler.load)))
