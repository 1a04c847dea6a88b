"""The Rule: a code, its documentation with cases that are also its tests, and a check over facts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint.diagnostic import Severity
from holdfast_lint.dialect import Dialect
from holdfast_lint.model import Function, Span
from holdfast_lint.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Be one function that a workflow reaches, as rules see it; `traces` are those of all functions."""

    function: Function
    trace: Trace
    traces: Mapping[Function, Trace]
    dialect: Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Be one violation inside a function."""

    span: Span
    message: str
    advice: str


Check = Callable[[View], Iterator[Hit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Be one rule.

    `what` and `why` are sentences of the reference. Each of `bad` is a module in which the rule, and no other, finds
    something; each of `good` is a module in which nothing is found.
    """

    code: str
    name: str
    what: str
    why: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    check: Check
    severity: Severity = "error"


def effects(code: str, template: str) -> Check:
    """Make the check of a rule that the effect tables describe; `{name}` in the template is the offending name."""

    def check(view: View) -> Iterator[Hit]:
        for site in view.trace.effects.values():
            if site.effect.rule == code:
                shown = readable(site.name) + ("()" if site.how == "call" else "")
                message = template.format(name=f"`{shown}`")
                yield Hit(
                    span=site.span, message=message, advice=view.dialect.advice(site.effect.remedy)
                )

    return check


def nothing(_view: View) -> Iterator[Hit]:
    """Be the check of a rule about comments, which no function shows."""
    yield from ()


def readable(name: str) -> str:
    """Write a name as a person would: `pathlib.Path().open` → `pathlib.Path.open`."""
    return name.removeprefix("builtins.").replace("()", "").replace("[]", "")
