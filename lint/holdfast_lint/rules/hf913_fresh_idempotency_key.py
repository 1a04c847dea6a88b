"""Idempotency keys that each attempt of a step makes anew."""

import re
from collections.abc import Iterator

from holdfast_lint import model
from holdfast_lint.model import Expression, Node, Span
from holdfast_lint.module import walk
from holdfast_lint.reading import nodes
from holdfast_lint.rule import Hit, View

KEY = re.compile(
    r"(x[-_])?idempoten(cy|t)([-_]?(key|token|id))?|request[-_]?token|client[-_]?token"
)
FRESH = ("HF101", "HF102", "HF104", "HF111", "HF112", "HF113", "HF114", "HF121")
ADVICE = "derive the key from what is the same in every attempt: "
OWN = {
    "holdfast": "`activity.idempotency_key()`",
    "temporalio": "`activity.info()` with its `workflow_run_id` and `activity_id`",
    "dbos": "`DBOS.workflow_id` and `DBOS.step_id`",
}


def check_step(view: View) -> Iterator[Hit]:
    """Find keys that a step makes from a clock or from chance."""
    fresh = {site.span for site in view.trace.effects.values() if site.effect.rule in FRESH}
    if not fresh:
        return
    kept = _kept(view, fresh)
    for node in nodes(view.function.body):
        for name, value in _keys(node):
            if KEY.fullmatch(name.lower()) and _is_fresh(value, fresh, kept):
                what = OWN.get(view.dialect.name, "the id of the run and the arguments of the step")
                yield Hit(
                    span=value.span,
                    message="each attempt of this step makes another idempotency key, so a retry does everything again",
                    advice=ADVICE + what,
                )


def _keys(node: Node) -> Iterator[tuple[str, Expression]]:
    """Yield what is handed over or kept under a name."""
    match node:
        case model.Argument(keyword=str() as name, value=value):
            yield name, value
        case model.Display(kind="dict", keys=keys, items=items):
            for key, value in zip(keys, items, strict=False):
                if isinstance(key, model.Constant) and key.text is not None:
                    yield key.text, value
        case model.Assign(
            targets=(model.Subscript(indices=(model.Constant(text=str() as name),)),), value=value
        ) if value is not None:
            yield name, value


def _is_fresh(value: Expression, fresh: set[Span], kept: frozenset[str]) -> bool:
    return any(
        getattr(node, "span", None) in fresh or (isinstance(node, model.Name) and node.id in kept)
        for node in walk(value)
    )


def _kept(view: View, fresh: set[Span]) -> frozenset[str]:
    """Name the variables that hold what is made anew."""
    found: set[str] = set()
    for node in nodes(view.function.body):
        match node:
            case model.Assign(targets=(model.Name(id=name),), value=value) if value is not None:
                if _is_fresh(value, fresh, frozenset(found)):
                    found.add(name)
    return frozenset(found)
