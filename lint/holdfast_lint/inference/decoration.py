"""What decorators make of a function: workflows, activities, methods of a class, and functions of the project around it."""

from dataclasses import replace
from typing import Literal

from holdfast_lint import model
from holdfast_lint.dialect import ENTRIES, Role
from holdfast_lint.inference.application import apply, in_role, register
from holdfast_lint.inference.cells import WRAPPERS
from holdfast_lint.inference.frame import Frame
from holdfast_lint.inference.results import Arguments
from holdfast_lint.model import Function
from holdfast_lint.values import (
    ActivityRef,
    Decoratee,
    External,
    FunctionRef,
    Instance,
    Value,
    Values,
    WorkflowRef,
    join,
    one,
)

BINDINGS: dict[str, Literal["static", "class", "property"]] = {
    "builtins.staticmethod": "static",
    "builtins.classmethod": "class",
    "builtins.property": "property",
    "functools.cached_property": "property",
}


def decorate(
    frame: Frame, decorator: object, function: Function, values: Values, node: model.Expression
) -> Values:
    """Give what one possibility of a decorator makes of a function."""
    match decorator:
        case External(name=name):
            return _decorate_externally(frame, name, function, values)
        case FunctionRef() | Instance():
            given = Arguments(positional=(one(Decoratee()),), given=1)
            results = apply(frame, decorator, given, node.span)
            return join(_dressed(frame, result, function, values) for result in results)
        case _:
            return values


def _decorate_externally(frame: Frame, name: str, function: Function, values: Values) -> Values:
    role = frame.program.dialects.role(name)
    if role is not None and not role.takes:
        return join(_in_role(frame, role, value, function) for value in values)
    binding = BINDINGS.get(name)
    if binding is None:
        return values
    return frozenset(
        replace(value, binding=binding) if isinstance(value, FunctionRef) else value
        for value in values
    )


def _in_role(frame: Frame, role: Role, value: Value, function: Function) -> Values:
    """Give a role to the function that is defined, not to what another decorator made of it."""
    if not isinstance(value, FunctionRef) or role.kind == "child":
        return in_role(frame, role, value) or one(value)
    if role.kind in ENTRIES and value.function is not function:
        frame.program.cells.write(function, WRAPPERS, one(value))
    return in_role(frame, role, FunctionRef(function=function)) or one(value)


def _dressed(frame: Frame, result: object, function: Function, values: Values) -> Values:
    """Put the decorated function in the place that the decorator kept for it."""
    match result:
        case ActivityRef(function=None) | WorkflowRef(function=None):
            return one(replace(result, function=function))
        case FunctionRef() | Instance() if any(isinstance(value, FunctionRef) for value in values):
            return one(replace(result, decorates=(*result.decorates, function)))
        case WorkflowRef(role=role):
            # What the decorator makes a workflow is a wrapper, and this is what it wraps.
            register(frame, role, one(FunctionRef(function=function)))
            return one(result)
        case FunctionRef() | Instance() | ActivityRef():
            return one(result)
        case _:
            return values
