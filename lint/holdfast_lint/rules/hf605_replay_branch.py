"""Durable calls that only a first run makes, or only a replay."""

from collections.abc import Iterable, Iterator

from holdfast_lint import model
from holdfast_lint.model import Expression, Node
from holdfast_lint.reading import nodes
from holdfast_lint.rule import Hit, View

ADVICE = (
    "make the same durable calls in a replay as in the first run; only what people see may differ"
)


def check(view: View) -> Iterator[Hit]:
    """Find branches on whether this is a replay that decide about durable calls."""
    for node in nodes(view.function.body):
        for test, guarded in _branches(node):
            asked = view.touched(test, view.dialect.guards)
            if asked is not None and (decided := _decided(view, guarded)) is not None:
                message = f"`{asked}` decides whether {decided}, so a replay does not do what the first run did"
                yield Hit(span=test.span, message=message, advice=ADVICE)


def _branches(node: Node) -> Iterator[tuple[Expression, tuple[Node, ...]]]:
    match node:
        case (
            model.If(test=test, body=body, orelse=orelse)
            | model.While(test=test, body=body, orelse=orelse)
        ):
            yield test, (*body, *orelse)
        case model.Operation(kind="choice" | "either", operands=(test, *others)):
            yield test, tuple(others)


def _decided(view: View, guarded: Iterable[Node]) -> str | None:
    for node in nodes(guarded):
        if view.pauses(node):
            return f"the run reaches {view.dialect.pause}"
        if isinstance(node, model.Call) and view.schedules(node):
            return "a durable call is made"
        if isinstance(node, model.Return | model.Raise) and _works(view):
            return "the function goes on"
        if isinstance(node, model.Jump) and node.kind != "pass" and _works(view):
            return "the loop goes on"
    return None


def _works(view: View) -> bool:
    """Tell whether a function makes durable calls at all."""
    return any(
        view.pauses(node) or (isinstance(node, model.Call) and view.schedules(node))
        for node in nodes(view.function.body)
    )
