"""Awaited calls that the checker cannot follow."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Expression
from holdfast_lint.module import walk
from holdfast_lint.rule import Hit, View


def check(view: View) -> Iterator[Hit]:
    """Find calls that a workflow awaits and whose target does not show."""
    for statement in view.function.body:
        for node in walk(statement):
            match node:
                case model.Await(value=model.Call() as call) if not view.trace.is_resolved(call):
                    shown = _written(call.function)
                    message = f"what {shown} runs does not show, so it was not checked"
                    yield Hit(
                        span=call.span, message=message, advice=view.dialect.advice["visible"]
                    )


def _written(function: Expression) -> str:
    match function:
        case model.Name(id=name) | model.Attribute(name=name):
            return f"`{name}`"
        case _:
            return "this call"
