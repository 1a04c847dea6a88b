"""Compensations that are noted when the step they undo is over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.model import Call
from holdfast_lint.reading import bound_to, names_in, nested
from holdfast_lint.rule import Hit, View

NOTED = re.compile(r"compensat|undo|roll_?back|revert|cleanups?$")
OPPOSITES = (
    ("acquire", "release"), ("add", "remove"), ("allocate", "free"), ("attach", "detach"), ("book", "cancel"),
    ("charge", "refund"), ("create", "delete"), ("debit", "credit"), ("grant", "revoke"), ("lock", "unlock"),
    ("open", "close"), ("order", "cancel"), ("pay", "refund"), ("reserve", "cancel"), ("reserve", "release"),
    ("start", "stop"), ("subscribe", "unsubscribe"), ("withdraw", "deposit"), ("provision", "deprovision"),
)  # fmt: skip
# What says nothing about the thing that a step is about.
COMMON = frozenset(
    {
        "activity",
        "call",
        "context",
        "ctx",
        "execute",
        "method",
        "run",
        "self",
        "step",
        "typed",
        "workflow",
        "workflows",
    }
)
WORDS = re.compile(r"[a-z]+")
ADVICE = "note it before the step, as the step may have happened although its answer was lost; undoing must then bear that there is nothing to undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    call: Call
    words: frozenset[str]
    kept: str | None


def check(view: View) -> Iterator[Hit]:
    """Find compensations that need nothing of the step before them, and could have been noted first."""
    steps: list[_Step] = []
    for node, around in nested(view.function.body):
        if not isinstance(node, Call):
            continue
        if (undo := _undo(view, node)) is not None:
            words = _words(undo)
            late = next((step for step in reversed(steps) if _undoes(words, step.words)), None)
            given = set(names_in(node))
            if late is not None and (late.kept is None or late.kept not in given):
                message = f"this compensation is noted after line {late.call.span.line}, whose step it undoes"
                yield Hit(span=node.span, message=message, advice=ADVICE)
        elif view.schedules(node):
            steps.append(
                _Step(
                    call=node,
                    words=_words(_named(view, node)),
                    kept=bound_to(node, around),
                )
            )


def _undo(view: View, call: Call) -> list[str] | None:
    """Name what a call notes as a compensation; nothing when it notes none."""
    if "holdfast.workflow.compensate" in view.trace.names_of(call) and call.arguments:
        return list(names_in(call.arguments[0].value))
    match call.function:
        case model.Attribute(base=base, name="append" | "appendleft" | "push" | "insert" | "add"):
            if any(NOTED.search(name.lower()) for name in names_in(base)):
                return [name for item in call.arguments for name in names_in(item.value)]
    return None


def _named(view: View, call: Call) -> list[str]:
    """Give the names that say what a step does: of the activity, or of the first things that it is handed."""
    found = list(names_in(call.function))
    places = {place for operation in view.operations(call) for place in operation.records}
    places |= {place for operation in view.operations(call) for place in operation.identity}
    for position, item in enumerate(call.arguments):
        if position in places or item.keyword in places:
            found.extend(names_in(item.value))
    return found


def _words(names: list[str]) -> frozenset[str]:
    return frozenset(word for name in names for word in WORDS.findall(name.lower()))


def _undoes(undo: frozenset[str], step: frozenset[str]) -> bool:
    """Tell whether the words of two calls are opposites, about the same thing if both name one."""
    for does, undoes in OPPOSITES:
        if does in step and undoes in undo:
            others, things = step - COMMON - {does}, undo - COMMON - {undoes}
            return not others or not things or bool(others & things)
    return False
