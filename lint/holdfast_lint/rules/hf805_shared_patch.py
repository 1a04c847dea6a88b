"""One patch id in two places, where each place gives an answer of its own."""

from collections.abc import Iterator, Mapping

from holdfast_lint.model import Function, Span
from holdfast_lint.patches import questions
from holdfast_lint.rule import Hit, View
from holdfast_lint.trace import Trace

ADVICE = "ask once and keep the answer in a variable, or give each change an id of its own"


def check(view: View) -> Iterator[Hit]:
    """Find the second place that asks about an id, in libraries that answer place by place."""
    if view.dialect.patches != "place":
        return
    asked: dict[str, Span] = {}
    for question in questions(view):
        if question.id is None:
            continue
        first = asked.setdefault(question.id, question.call.span)
        if first != question.call.span:
            where = f"in line {first.line}"
        elif other := _asked_before(view, question.id):
            where = f"in `{other.name}`"
        else:
            continue
        message = (
            f"the patch {question.id!r} is asked for {where} too, and each place answers for itself"
        )
        yield Hit(span=question.call.span, message=message, advice=ADVICE)


def _asked_before(view: View, patch: str) -> Function | None:
    """Find a function, earlier in the source, that asks about the same id in the same runs."""
    here = _callers(view.traces, view.function)
    for function, trace in view.traces.items():
        earlier = (function.path, function.span) < (view.function.path, view.function.span)
        if earlier and here & _callers(view.traces, function):
            other = View(
                function=function,
                trace=trace,
                traces=view.traces,
                dialect=view.dialect,
                flow=view.flow,
                world=view.world,
            )
            if any(question.id == patch for question in questions(other)):
                return function
    return None


def _callers(traces: Mapping[Function, Trace], function: Function) -> frozenset[Function]:
    """Give a function and all that lead to it."""
    found = {function}
    pending = [function]
    while pending:
        target = pending.pop()
        for caller, trace in traces.items():
            if target in trace.edges and caller not in found:
                found.add(caller)
                pending.append(caller)
    return frozenset(found)
