"""Patches that keep nothing of the old code, or change nothing."""

from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Call, Expression, Node, Statement
from holdfast_lint.module import walk
from holdfast_lint.patches import questions
from holdfast_lint.reading import nodes, same
from holdfast_lint.rule import Hit, View

KEEP = (
    "keep what the code did before in the other branch, for the runs that are older than the change"
)
SAME = "take the question out, or let the two branches differ"
DROPPED = "branch on the answer; what says that a patch is over is a call of its own"


def check(view: View) -> Iterator[Hit]:
    """Find questions whose answer decides nothing, and those whose old branch refuses old runs."""
    asked = {question.call for question in questions(view)}
    if not asked:
        return
    for node in nodes(view.function.body):
        match node:
            case model.Evaluate(value=value) if _bare(value) in asked:
                yield Hit(
                    span=value.span,
                    message="the answer about this patch is dropped, so the change is not guarded",
                    advice=DROPPED,
                )
            case model.If(test=test, body=body, orelse=orelse) if _answer(test) in asked:
                old = body if _is_negated(test) else orelse
                yield from _branches(test, body, orelse, old)
            case model.Operation(kind="choice", operands=(test, new, old)) if _answer(
                test
            ) in asked and same(new, old):
                yield _alike(test)


def _branches(
    test: Expression,
    body: tuple[Statement, ...],
    orelse: tuple[Statement, ...],
    old: tuple[Statement, ...],
) -> Iterator[Hit]:
    if same(body, orelse):
        yield _alike(test)
    elif _refuses(old):
        yield Hit(
            span=test.span,
            message="a run that is older than this patch finds an error in the place of the old code",
            advice=KEEP,
        )
    elif all(isinstance(item, model.Jump) and item.kind == "pass" for item in (*body, *orelse)):
        yield _alike(test)


def _alike(test: Expression) -> Hit:
    message = "both answers about this patch lead to the same code"
    return Hit(span=test.span, message=message, advice=SAME)


def _refuses(old: tuple[Statement, ...]) -> bool:
    """Tell whether a branch does nothing but raise, or write a line and raise."""
    return (
        bool(old)
        and isinstance(old[-1], model.Raise)
        and all(isinstance(item, model.Evaluate) for item in old[:-1])
        and not any(isinstance(item, model.Await | model.Yield) for item in nodes(old))
    )


def _answer(test: Expression) -> Call | None:
    """Give the call that a test is, awaited, negated or neither."""
    for part in _below(test):
        if isinstance(part, Call):
            return part
    return None


def _below(test: Node) -> Iterator[Node]:
    match test:
        case model.Operation(kind="test" | "binary", operators=("Not",), operands=(inner,)):
            yield from _below(inner)
        case model.Await(value=inner):
            yield from _below(inner)
        case _:
            yield test


def _bare(value: Expression) -> Call | None:
    inner = value.value if isinstance(value, model.Await) else value
    return inner if isinstance(inner, Call) else None


def _is_negated(test: Expression) -> bool:
    return any(
        isinstance(item, model.Operation) and item.operators == ("Not",) for item in walk(test)
    )
