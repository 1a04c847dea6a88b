"""Which calls give an awaitable, so that nothing happens, or nobody waits, until somebody awaits it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.dialect import Dialect
from holdfast_lint.model import Call, Expression, Function
from holdfast_lint.module import walk
from holdfast_lint.trace import Trace, title_of
from holdfast_lint.values import ActivityRef, FunctionRef

# Decorators that leave an `async def` one. What others make of it is theirs: `async_to_sync`, `app.task`.
TRANSPARENT = frozenset({"classmethod", "final", "override", "staticmethod", "wraps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Tell the awaitables of one function from its other values; `traces` shows what the functions it calls return."""

    trace: Trace
    traces: Mapping[Function, Trace]
    dialect: Dialect

    def title(self, call: Call) -> str | None:
        """Say what a call starts, if its result must be awaited; nothing when that is not certain."""
        if activities := self.trace.activities_of(call):
            return _pending_activity(activities)
        for name in self.trace.names_of(call):
            if self.dialect.is_awaitable(name):
                return f"`{self.dialect.shown(name)}`"
        functions = self._functions(call)
        if not functions or not all(
            gives_awaitable(function, self.traces, self.dialect) for function in functions
        ):
            return None
        names_of_project = sorted(function.name for function in functions)
        return "the lambda" if names_of_project[0] == "<lambda>" else f"`{names_of_project[0]}`"

    def starts(self, call: Call) -> bool:
        """Tell whether a call begins at once, and gives something with methods of its own."""
        names = tuple(self.trace.names_of(call))
        eager = self.dialect.eager and any(name in self.dialect.operations for name in names)
        return eager or "asyncio.gather" in names

    def calls(self, value: Expression) -> Iterator[Call]:
        """Find the calls that make up a value without being awaited on the way."""
        match value:
            case model.Call():
                if self.title(value) is not None:
                    yield value
            case (
                model.Display(items=parts)
                | model.Comprehension(items=parts)
                | model.Operation(kind="choice", operands=(_, *parts))
                | model.Operation(kind="either" | "star", operands=parts)
            ):
                for part in parts:
                    yield from self.calls(part)

    def surely(self, value: Expression) -> bool:
        """Tell whether a value is an awaitable whichever way it comes about."""
        match value:
            case model.Call():
                return self.title(value) is not None
            case model.Operation(kind="choice", operands=(_, *branches)):
                return all(self.surely(branch) for branch in branches)
            case _:
                return False

    def _functions(self, call: Call) -> tuple[Function, ...]:
        targets = self.trace.callees.get(call, frozenset())
        found = tuple(target.function for target in targets if isinstance(target, FunctionRef))
        return found if len(found) == len(targets) else ()


def _pending_activity(activities: tuple[ActivityRef, ...]) -> str | None:
    """Say which activity a call schedules, or runs as a coroutine."""
    for item in activities:
        coroutine = item.function is not None and item.function.asynchronous
        if item.role.direct != "schedules" and not (item.role.direct == "runs" and coroutine):
            return None
    first = min(activities, key=title_of)
    return f"the {first.role.kind} `{title_of(first)}`"


def gives_awaitable(
    function: Function,
    traces: Mapping[Function, Trace],
    dialect: Dialect,
    seen: frozenset[Function] = frozenset(),
) -> bool:
    """Tell whether calling a function of the project gives an awaitable on every path."""
    if function.generates or function in seen or function not in traces:
        return False
    if not all(_is_transparent(decorator) for decorator in function.decorators):
        return False
    if function.asynchronous:
        return True
    inner = _Returned(
        trace=traces[function], traces=traces, dialect=dialect, seen=seen | {function}
    )
    returned = [
        node.value
        for statement in function.body
        for node in walk(statement)
        if isinstance(node, model.Return)
    ]
    return bool(returned) and all(value is not None and inner.surely(value) for value in returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned(Pending):
    """Judge what a function returns, which may be what another returns, but not for ever."""

    seen: frozenset[Function]

    def title(self, call: Call) -> str | None:
        """Go on with the functions that were not looked at yet."""
        if not (functions := self._functions(call)):
            return Pending.title(self, call)
        judged = (gives_awaitable(item, self.traces, self.dialect, self.seen) for item in functions)
        return "" if all(judged) else None


def _is_transparent(decorator: Expression) -> bool:
    match decorator:
        case model.Call(function=function):
            return _is_transparent(function)
        case model.Name(id=name) | model.Attribute(name=name):
            return name in TRANSPARENT
        case _:
            return False
