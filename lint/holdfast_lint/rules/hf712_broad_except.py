"""Handlers that swallow what ends or suspends a run."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Expression, Handler, Statement
from holdfast_lint.module import walk
from holdfast_lint.rule import Hit, View
from holdfast_lint.values import Collection, External, Values

ADVICE = "catch `Exception` instead, or end every path of the handler with `raise`"
BASE = External(name="builtins.BaseException")
SUPPRESS = "contextlib.suppress"
# Stands for the name of what was caught where raising something else will do.
ANYTHING = "<anything>"


def check(view: View) -> Iterator[Hit]:
    """Find handlers for everything around an await that do not raise again."""
    for statement in view.function.body:
        for node in walk(statement):
            match node:
                case model.Try(body=body, handlers=handlers) if _pauses(view, body):
                    for handler in handlers:
                        yield from _swallowed(view, handler)
                case model.With(entered=entered, body=body) if _pauses(view, body):
                    for item in entered:
                        yield from _suppressed(view, item.value)


def _swallowed(view: View, handler: Handler) -> Iterator[Hit]:
    if handler.type is None:
        shown = "a bare `except`"
    elif name := _too_broad(view, view.trace.values_of(handler.type)):
        shown = f"`except {name}`"
    else:
        return
    caught = ANYTHING if view.dialect.converts else handler.name
    if not _raises(handler.body, caught):
        message = (
            f"{shown} around {view.dialect.pause} swallows cancellation, and what suspends the run"
        )
        yield Hit(span=handler.span, message=message, advice=ADVICE)


def _suppressed(view: View, value: Expression) -> Iterator[Hit]:
    if not isinstance(value, model.Call) or SUPPRESS not in view.trace.names_of(value):
        return
    for argument in value.arguments:
        if name := _too_broad(view, view.trace.values_of(argument.value)):
            message = f"`suppress({name})` around {view.dialect.pause} swallows cancellation, and what suspends the run"
            yield Hit(span=value.span, message=message, advice=ADVICE)


def _too_broad(view: View, values: Values) -> str | None:
    """Name the exception that a handler must not keep from the library, if it is for one."""
    held = [item for value in values if isinstance(value, Collection) for item in value.items]
    for value in (*values, *held):
        if isinstance(value, External) and (
            value == BASE or value.name in view.dialect.uncatchable
        ):
            return value.name.rpartition(".")[2]
    return None


def _pauses(view: View, body: tuple[Statement, ...]) -> bool:
    return any(view.pauses(node) for statement in body for node in walk(statement))


def _raises(body: tuple[Statement, ...], caught: str | None) -> bool:
    """Tell whether every path through a block raises again what was caught."""
    for statement in body:
        match statement:
            case model.Raise(value=value):
                return value is None or _is_caught(value, caught)
            case model.Return():
                return False
            case model.Jump(kind="break" | "continue"):
                return False
            case _ if _statement_raises(statement, caught):
                return True
            case _ if _leaves(statement):
                # Some path leaves the handler without raising.
                return False
    return False


def _statement_raises(statement: Statement, caught: str | None) -> bool:
    match statement:
        case model.If(body=body, orelse=orelse):
            return _raises(body, caught) and _raises(orelse, caught)
        case model.With(body=body):
            return _raises(body, caught)
        case model.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            inside = _raises(body, caught) or _raises(orelse, caught)
            # A bare raise inside an inner handler raises the inner exception, not what was caught here.
            return _raises(final, caught) or (inside and not handlers)
        case model.Match(cases=cases):
            return any(case.total for case in cases) and all(
                _raises(case.body, caught) for case in cases
            )
        case _:
            return False


def _leaves(statement: Statement) -> bool:
    """Tell whether some path leaves the handler here; a jump inside a loop of its own does not."""
    nodes = list(walk(statement))
    if any(isinstance(node, model.Return) for node in nodes):
        return True
    if any(isinstance(node, model.For | model.While) for node in nodes):
        return False
    return any(isinstance(node, model.Jump) and node.kind != "pass" for node in nodes)


def _is_caught(value: Expression, caught: str | None) -> bool:
    if caught == ANYTHING:
        return True
    match value:
        case model.Name(id=name):
            return name == caught
        case model.Call(function=model.Attribute(base=base)):
            return _is_caught(base, caught)
        case _:
            return False
