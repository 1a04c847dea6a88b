"""Patches asked for where the moment is not the run's own: in what answers messages."""

from collections.abc import Iterator

from holdfast_lint.model import Function
from holdfast_lint.patches import questions
from holdfast_lint.reading import argument
from holdfast_lint.rule import Hit, View
from holdfast_lint.values import FunctionRef

ADVICE = "ask in the workflow itself, before it can be reached by a message, and keep the answer in a variable"
HANDLES = "holdfast.workflow.Update().handle"


def check(view: View) -> Iterator[Hit]:
    """Find questions about a change in handlers, and in functions that only handlers call."""
    if not (view.world.kinds_of(view.function) == {"handler"} or _answers(view, view.function)):
        return
    for question in questions(view):
        message = "this patch is asked for when a message comes, which may be before or after the change, run by run"
        yield Hit(span=question.call.span, message=message, advice=ADVICE)


def _answers(view: View, function: Function) -> bool:
    """Tell whether a function is what some workflow answers updates with."""
    for trace in view.traces.values():
        if function in trace.edges:
            for call in trace.callees:
                if HANDLES in trace.names_of(call):
                    given = [argument(call, places) for places in ((0, "answer"), ("check",))]
                    values = [
                        value
                        for item in given
                        if item is not None
                        for value in trace.values_of(item)
                    ]
                    if any(
                        isinstance(value, FunctionRef) and value.function is function
                        for value in values
                    ):
                        return True
    return False
