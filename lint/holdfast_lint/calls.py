"""Reading calls: which operations they may be, and what they hand over where."""

from collections.abc import Iterator

from holdfast_lint.dialect import Dialects, Operation, Place
from holdfast_lint.model import Call, Expression
from holdfast_lint.trace import Trace


def operations_of(dialects: Dialects, trace: Trace, call: Call) -> Iterator[Operation]:
    """Give the operations that a call may be."""
    for name in trace.names_of(call):
        operation = dialects.operations.get(name)
        if operation is not None:
            yield operation


def arguments_at(call: Call, places: tuple[Place, ...]) -> Iterator[Expression]:
    """Give what a call hands over at some positions and keywords; behind an unpacked list positions are not known."""
    position = 0
    for argument in call.arguments:
        if argument.keyword is not None:
            if argument.keyword in places:
                yield argument.value
        elif argument.star == "*":
            position += len(call.arguments)
        elif argument.star == "":
            if position in places:
                yield argument.value
            position += 1


def keyword_of(call: Call, name: str) -> Expression | None:
    """Give one keyword argument."""
    return next((item.value for item in call.arguments if item.keyword == name), None)
