"""Waits for a person that no deadline ends."""

from collections.abc import Iterator

from holdfast_lint.awaiting import Wait, has_limit, waits
from holdfast_lint.dialect import Dialect
from holdfast_lint.rule import Hit, View

RACE = "run it against a durable timer, and say what happens when that wins"


def check(view: View) -> Iterator[Hit]:
    """Find waits for a person without a timeout and without a race."""
    for wait in waits(view):
        if wait.human and not has_limit(view, wait):
            yield Hit(
                span=wait.call.span,
                message="this waits for a person, and no deadline ends it when nobody answers",
                advice=_advice(view.dialect, wait),
            )


def _advice(dialect: Dialect, wait: Wait) -> str:
    if not wait.operation.timeout:
        return RACE
    name = next(item for item in wait.operation.timeout if isinstance(item, str))
    other = " and `on_timeout=`" if wait.operation.asks and dialect.name == "holdfast" else ""
    return f"give it `{name}=`{other}, and say what happens when time is up"
