"""Predicates of waits that do more than look at the workflow's own state."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.calls import operations_of
from holdfast_lint.model import Call, Expression, Function, Node
from holdfast_lint.reading import argument, nodes, operations
from holdfast_lint.rule import Hit, View
from holdfast_lint.trace import Trace
from holdfast_lint.values import FunctionRef

CHANGES = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove", "setdefault", "update"}
)  # fmt: skip
ADVICE = "let it only read variables of the workflow; take, change and ask after the wait"


def check(view: View) -> Iterator[Hit]:
    """Find conditions that change state, wait, or ask for the time or a random number."""
    for call, operation, _ in operations(view):
        if operation.purpose != "wait" or not operation.runs:
            continue
        predicate = argument(call, operation.runs)
        if predicate is None:
            continue
        for value in sorted(
            (item for item in view.trace.values_of(predicate) if isinstance(item, FunctionRef)),
            key=lambda item: (item.function.path, item.function.span),
        ):
            trace = view.traces.get(value.function)
            said = None if trace is None else _does(view, value.function, trace)
            if said is not None:
                message = f"the condition of this wait {said}, and it is evaluated an unknown number of times"
                yield Hit(span=predicate.span, message=message, advice=ADVICE)
                break


def _does(view: View, function: Function, trace: Trace) -> str | None:
    if function.asynchronous:
        return "is a coroutine, which is always true"
    for node in nodes(function.body):
        if isinstance(node, model.Await | model.Yield):
            return "waits itself"
        if _changes(function, node):
            return "changes what it looks at"
        if isinstance(node, Call):
            for operation in operations_of(view.world.dialects, trace, node):
                if operation.purpose == "value":
                    shown = _written(node.function)
                    if shown in {"info", "memo", "memo_value", "key", "request"}:
                        continue
                    return f"asks for `{shown}()`"
                return f"calls `{_written(node.function)}()`"
    return None


def _changes(function: Function, node: Node) -> bool:
    match node:
        case model.Call(function=model.Attribute(base=base, name=name)) if name in CHANGES:
            return not _is_own(function, base)
        case model.Assign(targets=targets):
            return any(
                isinstance(item, model.Attribute | model.Subscript)
                and not _is_own(function, item.base)
                for item in targets
            )
        case model.Declare():
            return True
        case _:
            return False


def _is_own(function: Function, base: Expression) -> bool:
    """Tell whether something is made inside the predicate, so that changing it changes nothing else."""
    match base:
        case model.Name(id=name):
            return any(
                isinstance(node, model.Assign)
                and any(isinstance(item, model.Name) and item.id == name for item in node.targets)
                for node in nodes(function.body)
            )
        case model.Call() | model.Display() | model.Comprehension():
            return True
        case _:
            return False


def _written(function: Expression) -> str:
    return function.name if isinstance(function, model.Attribute) else getattr(function, "id", "")
