"""Conditions on versions that the next version falls out of."""

import re
from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Call, Expression
from holdfast_lint.patches import Question, questions
from holdfast_lint.reading import nodes
from holdfast_lint.rule import Hit, View

EQUAL = frozenset({"Equal", "NotEqual", "In", "NotIn"})
NUMBERED = re.compile(r"(?P<stem>.*?)(?P<number>\d+)")


def check(view: View) -> Iterator[Hit]:
    """Find tests of a version for equality, and chains that ask about the older of two patches first."""
    by_call = {question.call: question for question in questions(view)}
    for node in nodes(view.function.body):
        match node:
            case model.Operation(operators=(operator,)) if operator in EQUAL:
                if (name := view.touched(node, view.dialect.versions)) is not None:
                    yield Hit(
                        span=node.span,
                        message=f"`{name}` is compared for equality, so the next version falls out of this branch",
                        advice="ask whether it is at least, or below, the version of the change",
                    )
            case model.If(test=test, orelse=(model.If(test=later),)):
                yield from _chain(_asked(by_call, test), _asked(by_call, later))


def _chain(first: Question | None, second: Question | None) -> Iterator[Hit]:
    if first is None or second is None:
        return
    older, newer = _numbered(first), _numbered(second)
    if older is not None and newer is not None and older[0] == newer[0] and older[1] < newer[1]:
        message = f"the patch {first.id!r} is asked for before the newer {second.id!r}, which new runs then never reach"
        yield Hit(span=first.call.span, message=message, advice="ask about the newest change first")


def _asked(by_call: dict[Call, Question], test: Expression) -> Question | None:
    inner = test.value if isinstance(test, model.Await) else test
    return by_call.get(inner) if isinstance(inner, Call) else None


def _numbered(question: Question) -> tuple[str, int] | None:
    match = NUMBERED.fullmatch(question.id) if question.id else None
    return None if match is None else (match["stem"], int(match["number"]))
