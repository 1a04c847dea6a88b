"""Puts our own constructs in the place of asyncio's, for code that runs in a turn.

asyncio has no hook for this, and to replace a name in its modules would miss everybody who wrote `from asyncio import
wait_for` before holdfast was imported. So the *code* of asyncio's own function objects is replaced: whoever holds the
function, or a class with it as a method, gets the new behaviour, and the function stays the same object. The new code
looks at the running loop of the thread and calls ours in a turn, and a copy of the original everywhere else.
"""

import asyncio
import asyncio.runners
import asyncio.tasks
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from holdfast._core import constructs, primitives
from holdfast._core.loop import TurnLoop
from holdfast._core.refusals import refuse


def _plain(*args: Any, **kwargs: Any) -> Any:
    return _CHOOSE(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821 - a name in asyncio's own module


async def _async(*args: Any, **kwargs: Any) -> Any:
    return await _CHOOSE(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821 - as above


def stand_in(function: Any, own: Callable[..., Any]) -> None:
    """Let a function of asyncio call `own` in a turn and do what it always did elsewhere."""
    original = _copy(function)

    def choose(*args: Any, **kwargs: Any) -> Any:
        in_turn = isinstance(asyncio._get_running_loop(), TurnLoop)  # noqa: SLF001 - None, and no exception, outside
        return (own if in_turn else original)(*args, **kwargs)

    template = _async if inspect.iscoroutinefunction(function) else _plain
    name = f"_holdfast_{function.__qualname__.replace('.', '_')}"
    function.__globals__[name] = choose
    function.__signature__ = inspect.signature(original)
    function.__defaults__ = function.__kwdefaults__ = None
    function.__code__ = template.__code__.replace(
        co_names=tuple(name if used == "_CHOOSE" else used for used in template.__code__.co_names),
        co_name=function.__code__.co_name,
        co_qualname=function.__code__.co_qualname,
    )


def _copy(function: Any) -> Callable[..., Any]:
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _refused(call: str, rule: str) -> Callable[..., Any]:
    def refused(*args: Any, **kwargs: Any) -> Any:
        for argument in args:
            if inspect.iscoroutine(argument):
                argument.close()  # else Python would warn that it was never awaited, too
        refuse(call, rule)

    return refused


def _replace_function(module: ModuleType, name: str, own: Callable[..., Any]) -> None:
    function = getattr(module, name)
    if isinstance(function, FunctionType) and not function.__closure__:
        stand_in(function, own)
        return

    def function_written_in_c(*args: Any, **kwargs: Any) -> Any:
        in_turn = isinstance(asyncio._get_running_loop(), TurnLoop)  # noqa: SLF001
        return (own if in_turn else function)(*args, **kwargs)

    setattr(module, name, function_written_in_c)
    if getattr(asyncio, name, None) is function:
        setattr(asyncio, name, function_written_in_c)


def _install() -> None:
    for name, own in constructs.FUNCTIONS.items():
        _replace_function(asyncio.tasks, name, own)
    for cls, methods in primitives.METHODS.items():
        for name, own in methods.items():
            stand_in(vars(cls)[name], own)
    for module, name, rule in (
        (asyncio.runners, "run", "HF301"),
        (asyncio.tasks, "run_coroutine_threadsafe", "HF301"),
        (asyncio.futures, "wrap_future", "HF301"),
        (asyncio.events, "new_event_loop", "HF301"),
        (asyncio.events, "set_event_loop", "HF301"),
    ):
        _replace_function(module, name, _refused(f"asyncio.{name}()", rule))
    for method in ("__init__", "run", "get_loop"):
        stand_in(vars(asyncio.Runner)[method], _refused("asyncio.Runner()", "HF301"))
    for method in ("run_forever", "run_until_complete"):
        stand_in(vars(asyncio.BaseEventLoop)[method], _refused(f"loop.{method}()", "HF301"))


_install()
