"""Log lines that cost work, or differ, although a replay does not write them."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Call, Expression, Node
from holdfast_lint.module import walk
from holdfast_lint.reading import nested
from holdfast_lint.rule import Hit, View
from holdfast_lint.values import is_surely_unordered

LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log"})
# What reads a whole structure to write it down.
COSTLY = frozenset(
    {
        "copy.deepcopy", "dataclasses.asdict", "dataclasses.astuple", "inspect.getsource", "json.dumps", "pickle.dumps",
        "pprint.pformat", "traceback.format_exc", "traceback.format_stack", "yaml.dump", "orjson.dumps",
    }
)  # fmt: skip
METHODS = frozenset({"model_dump", "model_dump_json", "to_json", "to_string"})
ADVICE = 'hand the value itself, as in `logger.info("%s", value)`, or ask `isEnabledFor` first'


def check(view: View) -> Iterator[Hit]:
    """Find arguments of the library's own logger that are worked out in every replay."""
    for node, around in nested(view.function.body):
        if isinstance(node, Call) and _logs(view, node) and not _asked_first(around):
            for part in _given(node):
                said = _costs(view, part)
                if said is not None:
                    yield Hit(span=part.span, message=said, advice=ADVICE)
                    break


def _logs(view: View, call: Call) -> bool:
    return any(
        name.startswith(tuple(f"{logger}." for logger in view.dialect.loggers))
        and name.rpartition(".")[2] in LEVELS
        for name in view.trace.names_of(call)
    )


def _asked_first(around: tuple[Node, ...]) -> bool:
    """Tell whether the call stands behind `if logger.isEnabledFor(...)`, or another question."""
    return any(
        isinstance(item, model.Attribute) and item.name == "isEnabledFor"
        for node in around
        if isinstance(node, model.If)
        for item in walk(node.test)
    )


def _given(call: Call) -> Iterator[Expression]:
    for argument in call.arguments:
        for node in walk(argument.value):
            if isinstance(node, model.Call | model.Comprehension | model.Name | model.Attribute):
                yield node


def _costs(view: View, node: Expression) -> str | None:
    match node:
        case model.Call(function=function):
            names = set(view.trace.names_of(node))
            method = function.name if isinstance(function, model.Attribute) else ""
            if names & COSTLY or method in METHODS:
                shown = method or function.id if isinstance(function, model.Name) else method
                return f"`{shown}()` is carried out in every replay, although the line is written only once"
        case model.Comprehension():
            return (
                "this loop is carried out in every replay, although the line is written only once"
            )
        case model.Name() | model.Attribute() if is_surely_unordered(view.trace.values_of(node)):
            return "a set is written in an order that differs from process to process"
    return None
