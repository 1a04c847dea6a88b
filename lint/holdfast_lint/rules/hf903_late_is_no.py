"""Answers that did not come in time, and are taken for a refusal."""

import re
from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.awaiting import Wait, tests, waits
from holdfast_lint.model import Call, Expression, Node, Statement
from holdfast_lint.module import walk
from holdfast_lint.reading import argument, is_none, names_in, nodes
from holdfast_lint.rule import Hit, View
from holdfast_lint.values import External, FunctionRef

# Names whose value is a yes or a no, so that `not name` says no to both a refusal and to silence.
VERDICT = re.compile(
    r"(is_|was_|has_)?(accepted|allowed|approved|confirmed|consent|granted|ok|paid)"
)
EQUAL = frozenset({"Equal", "NotEqual", "Is", "IsNot"})
ADVICE = "give silence a branch of its own: ask again, escalate, or decide on purpose"


def check(view: View) -> Iterator[Hit]:
    """Find waits after which no answer looks like a negative one."""
    for wait in waits(view):
        if wait.operation.late == "none" and wait.kept is not None:
            yield from _mixed(view, wait.kept)
        elif wait.operation.late == "raises":
            yield from _swallowed(view, wait)


def _mixed(view: View, kept: str) -> Iterator[Hit]:
    """Find where a value that may be None is only asked what it says."""
    body = view.function.body
    found: list[Expression] = []
    for node in nodes(body):
        if _tells_apart(node, kept):
            return
        match node:
            case model.Operation(kind="either", operators=("And", *_), operands=(first, *rest)) if (
                _is(first, kept) and any(kept in names_in(item) for item in rest)
            ):
                found.append(node)
            case model.Operation(operators=(operator,), operands=operands) if (
                operator in EQUAL and any(_is(item, kept) for item in operands)
            ):
                found.append(node)
    found.extend(
        test
        for test in tests(body)
        if VERDICT.fullmatch(kept) and _is(_positive(test), kept) and view.dialect.waits == "call"
    )
    branches = [test for test in tests(body) if kept in names_in(test)]
    if len(found) == 1 and len(branches) <= 1:
        message = f"`{kept}` is None when nobody answered in time, and that takes the same branch as a negative answer"
        yield Hit(span=found[0].span, message=message, advice=ADVICE)


def _tells_apart(node: Node, kept: str) -> bool:
    match node:
        case model.Operation(operators=(operator,), operands=operands) if operator in EQUAL:
            return any(_is(item, kept) for item in operands) and any(map(is_none, operands))
        case model.Match(subject=subject):
            return _is(subject, kept)
        case model.If(test=test) | model.While(test=test):
            return _is(_positive(test), kept) and VERDICT.fullmatch(kept) is None
        case model.Call(function=model.Name(id="isinstance"), arguments=(first, *_)):
            return _is(first.value, kept)
        case _:
            return False


def _is(expression: Expression, name: str) -> bool:
    match expression:
        case model.Name(id=known):
            return known == name
        case model.Bind(target=target):
            return _is(target, name)
        case _:
            return False


def _positive(test: Expression) -> Expression:
    match test:
        case model.Operation(operators=("Not",), operands=(inner,)):
            return inner
        case _:
            return test


def _swallowed(view: View, wait: Wait) -> Iterator[Hit]:
    """Find handlers that let a timeout pass, before the code asks for the answer only."""
    answer = _answers(view, wait)
    if len(answer) != 1 or not _is_asked_alone(view, next(iter(answer))):
        return
    for node in wait.around:
        match node:
            case model.Try(handlers=handlers):
                for handler in handlers:
                    if _is_timeout(view, handler.type) and all(map(_does_nothing, handler.body)):
                        yield _late(handler, next(iter(answer)))
            case model.With(entered=entered):
                for item in entered:
                    if _suppresses(view, item.value):
                        yield _late(item.value, next(iter(answer)))


def _late(node: model.Handler | Expression, name: str) -> Hit:
    message = f"when nobody answers in time the run goes on as if the answer were no: `{name}` says the same for both"
    return Hit(span=node.span, message=message, advice=ADVICE)


def _answers(view: View, wait: Wait) -> frozenset[str]:
    """Name the attributes that a condition looks at."""
    predicate = argument(wait.call, wait.operation.runs)
    found: set[str] = set()
    for value in () if predicate is None else view.trace.values_of(predicate):
        if isinstance(value, FunctionRef):
            for node in nodes(value.function.body):
                if isinstance(node, model.Attribute) and isinstance(node.base, model.Name):
                    found.add(node.name)
    return frozenset(found)


def _is_asked_alone(view: View, name: str) -> bool:
    """Tell whether the function branches on an attribute, and never asks whether it is None."""
    asked = False
    for node in nodes(view.function.body):
        match node:
            case model.Operation(operators=(operator,), operands=operands) if operator in EQUAL:
                if any(map(is_none, operands)) and any(name in names_in(item) for item in operands):
                    return False
            case _:
                pass
    for test in tests(view.function.body):
        part = _positive(test)
        asked = asked or (isinstance(part, model.Attribute) and part.name == name)
    return asked


def _is_timeout(view: View, type_: Expression | None) -> bool:
    return type_ is not None and any(
        isinstance(value, External) and value.name.rpartition(".")[2] == "TimeoutError"
        for value in view.trace.values_of(type_)
    )


def _suppresses(view: View, value: Expression) -> bool:
    return (
        isinstance(value, Call)
        and "contextlib.suppress" in view.trace.names_of(value)
        and any(_is_timeout(view, item.value) for item in value.arguments)
    )


def _does_nothing(statement: Statement) -> bool:
    """Tell a `pass`, and a line for the log."""
    match statement:
        case model.Jump(kind="pass"):
            return True
        case model.Evaluate(value=model.Constant()):
            return True
        case model.Evaluate(value=model.Call() as call):
            return any(
                isinstance(item, model.Attribute | model.Name)
                and getattr(item, "name", getattr(item, "id", "")) in {"logger", "log", "logging"}
                for item in walk(call.function)
            )
        case _:
            return False
