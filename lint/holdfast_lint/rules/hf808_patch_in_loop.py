"""Patches asked for in each turn of a loop, where the first answer stays."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from holdfast_lint import model
from holdfast_lint.model import Node
from holdfast_lint.patches import questions
from holdfast_lint.reading import nodes
from holdfast_lint.rule import Hit, View

KEY = "give each turn an answer of its own with `key=`, or ask once before the loop"
ONCE = "ask once before the loop; for an answer per turn, let a child workflow, or the next run, do the turn"


def check(view: View) -> Iterator[Hit]:
    """Find questions in a loop that waits, in libraries that remember the answer for the whole run."""
    if view.dialect.patches != "run":
        return
    for question in questions(view):
        if not question.keyed and _repeats(view, (*question.around, question.call)):
            named = f"the patch {question.id!r}" if question.id else "the patch"
            message = f"{named} is asked for in each turn of this loop, but the first answer is kept for the whole run"
            keyed = any(
                "key" in operation.identity
                for name in view.trace.names_of(question.call)
                if (operation := view.dialect.operations.get(name)) is not None
            )
            yield Hit(span=question.call.span, message=message, advice=KEY if keyed else ONCE)


def _repeats(view: View, path: Sequence[Node]) -> bool:
    """Tell whether the last node of a path is part of a turn of a loop that waits, so that code may change between."""
    for node, inner in pairwise(path):
        match node:
            case model.For(iterable=iterable, body=body) if inner is not iterable:
                turn: Sequence[Node] = body
            case model.While(body=body):
                turn = body
            case _:
                continue
        if any(view.pauses(item) for item in nodes(turn)):
            return True
    return False
