"""Deadlines that nobody chose: the default of the library decides when the answer is late."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.awaiting import tests, waits
from holdfast_lint.model import Node
from holdfast_lint.reading import argument, is_open, names_in
from holdfast_lint.rule import Hit, View

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def check(view: View) -> Iterator[Hit]:
    """Find waits without a timeout, in a library that has a default, whose outcome the code branches on."""
    for wait in waits(view):
        default = wait.operation.default
        if default is None or is_open(wait.call) or argument(wait.call, wait.operation.timeout):
            continue
        looped = any(isinstance(node, model.For | model.While) for node in wait.around)
        if not looped and _decides(view, wait.call, wait.around, wait.kept):
            name = next(item for item in wait.operation.timeout if isinstance(item, str))
            yield Hit(
                span=wait.call.span,
                message=f"what happens next depends on an answer within {_length(default)}, which is the default of the library and nobody's decision",
                advice=f"write `{name}=` with the time that people really have",
            )


def _decides(view: View, call: Node, around: tuple[Node, ...], kept: str | None) -> bool:
    if kept is not None:
        return any(kept in names_in(test) for test in tests(view.function.body))
    inner: tuple[Node, ...] = (*around, call)
    return any(_tests(node, inner) for node in around)


def _tests(node: Node, inner: tuple[Node, ...]) -> bool:
    """Tell whether one of some nodes is what another branches on."""
    match node:
        case model.If(test=test):
            return any(item is test for item in inner)
        case model.Match(subject=subject):
            return any(item is subject for item in inner)
        case model.Operation(kind="choice", operands=(test, *_)):
            return any(item is test for item in inner)
        case _:
            return False


def _length(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    count = seconds // size
    return f"one {unit}" if count == 1 else f"{count} {unit}s"
