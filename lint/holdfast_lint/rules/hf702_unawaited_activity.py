"""Activities that are called but never awaited."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.inference.assignments import COLLECTS, Assignments
from holdfast_lint.inference.pending import Pending
from holdfast_lint.model import Call, Expression, Node
from holdfast_lint.module import walk
from holdfast_lint.rule import Hit, View
from holdfast_lint.values import External

# What an awaitable itself offers.
OWN = frozenset({"__await__", "close", "send", "throw"})
RECORDING = frozenset({"activity", "child", "message", "state", "reset", "naming"})
IDENTITY = frozenset({"In", "Is", "IsNot", "NotIn"})
# Built-ins that need the result itself.
NEEDS_RESULT = frozenset(
    f"builtins.{name}"
    for name in (
        "abs", "all", "any", "bool", "bytes", "dict", "enumerate", "float", "format", "frozenset", "int", "iter",
        "len", "list", "max", "min", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple",
    )
)  # fmt: skip


def check(view: View) -> Iterator[Hit]:
    """Find awaitables that are dropped, kept in a name that nothing reads in time, or taken for a result."""
    pending = Pending(trace=view.trace, traces=view.traces, dialect=view.dialect)
    names = Assignments(pending, view.function)
    names.follow()
    for statement in view.function.body:
        for node in walk(statement):
            if isinstance(node, model.Evaluate):
                yield from _dropped(view, pending, names, node.value)
            yield from _mistaken(view, pending, names, node)
    for kept, call in names.unread():
        yield from _hit(
            pending, call, f"is kept in `{kept.name}`, which is never {view.dialect.waited}"
        )


def _dropped(view: View, pending: Pending, names: Assignments, value: Expression) -> Iterator[Hit]:
    for call in pending.calls(value):
        yield from _hit(pending, call, f"is called but never {view.dialect.waited}")
    match value:
        case model.Call(
            function=model.Attribute(base=model.Name(id=name), name=method), arguments=arguments
        ) if method in COLLECTS and names.is_useless(name):
            for argument in arguments:
                for call in pending.calls(argument.value):
                    yield from _hit(
                        pending, call, f"is kept in `{name}`, which is never {view.dialect.waited}"
                    )


def _mistaken(view: View, pending: Pending, names: Assignments, node: Node) -> Iterator[Hit]:
    """Find an awaitable in a place that needs the result."""
    for operand in _operands(view, node):
        if isinstance(operand, model.Name) and _identifies(node):
            continue
        call = names.surely(operand) if isinstance(operand, model.Name) else operand
        title = pending.title(call) if isinstance(call, Call) else None
        if (
            isinstance(call, Call)
            and title is not None
            and not (_treats_as_future(node) and pending.starts(call))
        ):
            message = (
                f"{title} is used as if it were its result, but it was not {view.dialect.waited}"
            )
            yield Hit(span=operand.span, message=message, advice=view.dialect.advice["pending"])


def _identifies(node: Node) -> bool:
    """Tell a test of which object a name holds, which says nothing of a result."""
    return isinstance(node, model.Operation) and IDENTITY.issuperset(node.operators or ("",))


def _treats_as_future(node: Node) -> bool:
    """Tell a use that a future allows: its own methods, and asking which of several futures was first."""
    match node:
        case model.Attribute():
            return True
        case model.Operation(operators=operators):
            return {"Equal", "NotEqual"}.issuperset(operators or ("",))
        case _:
            return False


def _operands(  # noqa: PLR0911 - one arm per kind
    view: View, node: Node
) -> tuple[Expression, ...]:
    match node:
        case model.Attribute(base=value, name=name):
            return () if name in OWN else (value,)
        case model.Subscript(base=value) | model.If(test=value) | model.While(test=value):
            return (value,)
        case model.For(iterable=value) | model.Clause(iterable=value):
            return (value,)
        case model.Operation(kind="binary" | "test" | "text", operands=operands):
            return operands
        case model.Operation(kind="choice", operands=(test, *_)):
            return (test,)
        case model.Assign(augmented=True, value=value) if value is not None:
            return (value,)
        case model.Call(arguments=(model.Argument(value=value, keyword=None, star=""), *_)) if (
            _needs_result(view, node)
        ):
            return (value,)
        case model.Call(arguments=arguments) if _records_arguments(view, node):
            return tuple(argument.value for argument in arguments if not argument.star)
        case _:
            return ()


def _needs_result(view: View, call: Call) -> bool:
    targets = view.trace.callees.get(call, frozenset())
    return bool(targets) and all(
        isinstance(target, External) and target.name in NEEDS_RESULT for target in targets
    )


def _records_arguments(view: View, call: Call) -> bool:
    """Tell whether a call writes what it is handed into the history, where no awaitable can stand."""
    operations = [view.dialect.operations.get(name) for name in view.trace.names_of(call)]
    return bool(view.trace.activities_of(call)) or any(
        operation is not None and operation.purpose in RECORDING for operation in operations
    )


def _hit(pending: Pending, call: Call, problem: str) -> Iterator[Hit]:
    title = pending.title(call)
    if title is not None:
        effect = "nothing waits for it" if pending.starts(call) else "it never runs"
        message = f"{title} {problem}, so {effect}"
        yield Hit(span=call.span, message=message, advice=pending.dialect.advice["pending"])
