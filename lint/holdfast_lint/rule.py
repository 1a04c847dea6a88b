"""The Rule: a page, which is its documentation and its tests, and a check over facts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint.diagnostic import Severity
from holdfast_lint.dialect import Dialect
from holdfast_lint.model import Function, Span
from holdfast_lint.page import Page
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
    """Be one rule; each case under `Wrong` of its page breaks it and no other, those under `Right` break none."""

    page: Page
    check: Check

    @property
    def code(self) -> str:
        """Give the code, such as `HF101`."""
        return self.page.code

    @property
    def name(self) -> str:
        """Give the name, such as `wall-clock`."""
        return self.page.name

    @property
    def severity(self) -> Severity:
        """Give the severity of a finding about which nothing more is known."""
        return self.page.severity


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
