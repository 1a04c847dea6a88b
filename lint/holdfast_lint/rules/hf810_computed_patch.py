"""Patch ids that are put together while a run goes on."""

from collections.abc import Iterator

from holdfast_lint.patches import is_fixed, questions
from holdfast_lint.rule import Hit, View

ADVICE = "write the id as a literal, or as a constant of the module"
KEYED = f"{ADVICE}; what differs from turn to turn belongs into `key=`"


def check(view: View) -> Iterator[Hit]:
    """Find questions about a change whose id is no literal, nor a name that stands for one."""
    for question in questions(view):
        if question.name is not None and not is_fixed(view, question.name):
            message = "the id of this patch is put together while the run goes on, so nobody can tell which patches there are"
            advice = KEYED if view.dialect.name == "holdfast" else ADVICE
            yield Hit(span=question.name.span, message=message, advice=advice)
