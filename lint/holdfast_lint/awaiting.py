"""Waits for what somebody or something outside decides: whom they are for, and how they end."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.dialect import Operation
from holdfast_lint.model import Call, Expression, Node
from holdfast_lint.reading import argument, bound_to, is_none, is_open, names_in, nodes, operations
from holdfast_lint.rule import View

# Parts of names that speak of a person who decides.
HUMAN = re.compile(
    r"approv|consent|decision|decide|human|manager|moderat|review|sign_?off|verdict|permission"
)
# What bounds or races whatever is inside it, or is handed to it.
BOUNDS = frozenset(
    {
        "asyncio.as_completed", "asyncio.timeout", "asyncio.timeout_at", "asyncio.wait", "asyncio.wait_for",
        "async_timeout.timeout", "anyio.fail_after", "anyio.move_on_after", "restate.as_completed",
    }
)  # fmt: skip
RACES = frozenset({"as_completed", "select", "wait", "wait_completed", "when_any", "task_any"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Be one durable wait; `kept` names what holds its outcome."""

    call: Call
    operation: Operation
    around: tuple[Node, ...]
    kept: str | None
    human: bool


def waits(view: View) -> Iterator[Wait]:
    """Yield the durable waits of a function for a message, an event, a condition or a person."""
    for call, operation, around in operations(view):
        if operation.purpose == "wait" and not _is_part(view, call, around):
            kept = bound_to(call, around)
            yield Wait(
                call=call,
                operation=operation,
                around=around,
                kept=kept,
                human=operation.asks or _speaks_of_people(call, kept),
            )


def _is_part(view: View, call: Call, around: tuple[Node, ...]) -> bool:
    """Tell whether a call only makes what another call waits with, or waits with what bounds itself."""
    if around and isinstance(around[-1], model.Attribute):
        return True
    makers = {
        made
        for name in view.trace.names_of(call)
        for made, given in view.dialect.gives.items()
        if given == name.rpartition(".")[0]
    }
    making = (view.dialect.operations.get(name.removesuffix("()")) for name in makers)
    return any(item is not None and item.timeout for item in making)


def _speaks_of_people(call: Call, kept: str | None) -> bool:
    words = [*names_in(call), *([kept] if kept else ())]
    return any(HUMAN.search(word.lower()) for word in words)


def has_limit(view: View, wait: Wait) -> bool:
    """Tell whether a wait ends by itself: it has a timeout, or runs against something else."""
    if is_open(wait.call) or _is_limited(wait.operation, wait.call):
        return True
    if any(_bounds(view, node) for node in wait.around):
        return True
    return wait.kept is not None and _raced_later(view, wait.kept)


def _is_limited(operation: Operation, call: Call) -> bool:
    given = argument(call, operation.timeout)
    return (given is not None and not is_none(given)) or (
        given is None and operation.default is not None
    )


def _bounds(view: View, node: Node) -> bool:
    match node:
        case model.Call():
            return bool(BOUNDS.intersection(view.trace.names_of(node))) or _races(view, node)
        case model.With(entered=entered):
            return any(
                isinstance(item.value, Call)
                and BOUNDS.intersection(view.trace.names_of(item.value))
                for item in entered
            )
        case _:
            return False


def _races(view: View, call: Call) -> bool:
    for name in view.trace.names_of(call):
        operation = view.dialect.operations.get(name)
        if (
            operation is not None
            and operation.purpose == "combine"
            and name.rpartition(".")[2] in RACES
        ):
            return True
    return False


def _raced_later(view: View, kept: str) -> bool:
    """Tell whether a future is handed to a race by its name."""
    for call in view.trace.callees:
        if (BOUNDS.intersection(view.trace.names_of(call)) or _races(view, call)) and any(
            kept in names_in(item.value) for item in call.arguments
        ):
            return True
    return False


def tests(body: Sequence[Node]) -> Iterator[Expression]:
    """Yield what the statements of a block, and those inside them, branch on."""
    for node in nodes(body):
        match node:
            case model.If(test=test) | model.While(test=test):
                yield test
            case model.Operation(kind="choice" | "either", operands=(test, *_)):
                yield test
            case model.Match(subject=subject):
                yield subject
