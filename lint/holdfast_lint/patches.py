"""Questions about changes of code: `patched("id")` and its kin, whichever library they belong to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.model import Call, Expression, Function, Node
from holdfast_lint.reading import argument, nodes, operations
from holdfast_lint.rule import View
from holdfast_lint.trace import Trace
from holdfast_lint.values import FunctionRef

DEEPEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Ask whether a run takes the new branch of a change; `id` is its written id, where it is one string."""

    call: Call
    around: tuple[Node, ...]
    name: Expression | None
    keyed: bool

    @property
    def id(self) -> str | None:
        """Give the id of the change, where it is written out."""
        return self.name.text if isinstance(self.name, model.Constant) else None


def questions(view: View) -> Iterator[Question]:
    """Yield the places where a function asks about a change, not those that say that it is over."""
    for call, operation, around in operations(view):
        if operation.purpose == "version" and not any(
            "deprecate" in name for name in view.trace.names_of(call)
        ):
            key = argument(call, ("key",)) if "key" in operation.identity else None
            yield Question(
                call=call,
                around=around,
                name=argument(call, operation.identity),
                keyed=key is not None,
            )


def is_fixed(view: View, expression: Expression) -> bool:
    """Tell whether a text is the same in every run: literals, and names that stand for them."""
    return _is_fixed(view.traces, view.function, expression, DEEPEST)


def _is_fixed(  # noqa: PLR0911 - one arm per kind
    traces: Mapping[Function, Trace], function: Function, expression: Expression, depth: int
) -> bool:
    match expression:
        case model.Constant():
            return True
        case model.Operation(kind="choice", operands=(_, *operands)):
            return all(_is_fixed(traces, function, item, depth) for item in operands)
        case model.Operation(kind="binary" | "text", operands=operands):
            return all(_is_fixed(traces, function, item, depth) for item in operands)
        case model.Subscript(base=base, indices=indices):
            return all(_is_fixed(traces, function, item, depth) for item in (base, *indices))
        case model.Attribute(base=base):
            return _is_fixed(traces, function, base, depth) or _is_self(function, base)
        case model.Name(id=name):
            return _is_fixed_name(traces, function, name, depth)
        case _:
            return False


def _is_self(function: Function, base: Expression) -> bool:
    return (
        isinstance(base, model.Name)
        and bool(function.parameters)
        and base.id == function.parameters[0].name
        and base.id in {"self", "cls"}
    )


def _is_fixed_name(
    traces: Mapping[Function, Trace], function: Function, name: str, depth: int
) -> bool:
    for place, parameter in enumerate(function.parameters):
        if parameter.name == name:
            return depth > 0 and _is_handed_fixed(traces, function, place, depth)
    given = [value for target, value in _bindings(function) if _names(target, name)]
    return all(value is not None and _is_fixed(traces, function, value, depth) for value in given)


def _is_handed_fixed(
    traces: Mapping[Function, Trace], function: Function, place: int, depth: int
) -> bool:
    """Tell whether every call of a function hands it a fixed text for a parameter."""
    parameter = function.parameters[place]
    found = False
    for caller, trace in traces.items():
        if function not in trace.edges:
            continue
        for call, targets in trace.callees.items():
            for target in targets:
                if isinstance(target, FunctionRef) and target.function is function:
                    found = True
                    shift = place - (target.receiver is not None)
                    value = argument(call, (shift, parameter.name)) or parameter.default
                    if value is None or not _is_fixed(traces, caller, value, depth - 1):
                        return False
    return found


def _bindings(function: Function) -> Iterator[tuple[Expression, Expression | None]]:
    """Yield what a function binds, with the value where the name stands for the whole of it."""
    for node in nodes(function.body):
        match node:
            case model.Assign(targets=targets, value=value):
                yield from ((target, value) for target in targets)
            case model.Bind(target=target, value=value):
                yield target, value
            case (
                model.For(target=target, iterable=model.Display(items=items))
                | model.Clause(target=target, iterable=model.Display(items=items))
            ):
                yield from ((target, item) for item in items)
            case model.For(target=target) | model.Clause(target=target):
                yield target, None


def _names(target: Expression, name: str) -> bool:
    match target:
        case model.Name(id=known):
            return known == name
        case model.Display(items=items):
            return any(_names(item, name) for item in items)
        case _:
            return False
