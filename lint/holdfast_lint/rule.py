"""The Rule: a page, which is its documentation and its tests, and a check over facts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.diagnostic import Severity, Sink
from holdfast_lint.dialect import SILENT, Dialect
from holdfast_lint.flow import Flow, severity_of
from holdfast_lint.model import Call, Function, Node, Span
from holdfast_lint.page import Page
from holdfast_lint.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Be one function that a workflow reaches, as rules see it; `traces` are those of all functions."""

    function: Function
    trace: Trace
    traces: Mapping[Function, Trace]
    dialect: Dialect
    flow: Flow

    def pauses(self, node: Node) -> bool:
        """Tell whether the run may stop here until something happens."""
        match node:
            case model.Await():
                return True
            case model.Yield():
                return self.dialect.waits == "yield"
            case model.Call():
                return self.dialect.waits == "call" and self.schedules(node)
            case model.With(asynchronous=asynchronous) | model.For(asynchronous=asynchronous):
                return asynchronous
            case model.Clause(asynchronous=asynchronous):
                return asynchronous
            case _:
                return False

    def schedules(self, call: Call) -> bool:
        """Tell whether a call asks for something that the history keeps in the order of the calls."""
        operations = (self.dialect.operations.get(name) for name in self.trace.names_of(call))
        return bool(self.trace.activities_of(call)) or any(
            operation is not None and operation.purpose not in SILENT for operation in operations
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Be one violation inside a function; without a severity of its own it has that of the rule."""

    span: Span
    message: str
    advice: str
    severity: Severity | None = None
    sinks: tuple[Sink, ...] = ()


Check = Callable[[View], Iterator[Hit]]

# What these find is a value, and how bad it is depends on where the value goes.
VALUES = frozenset(
    {
        "HF101",
        "HF102",
        "HF103",
        "HF104",
        "HF105",
        "HF111",
        "HF112",
        "HF113",
        "HF114",
        "HF121",
        "HF122",
        "HF123",
        "HF201",
        "HF208",
    }
)


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
            if site.effect.rule == code and site.name not in view.dialect.durable:
                shown = readable(site.name) + ("()" if site.how == "call" else "")
                message = template.format(name=f"`{shown}`")
                sinks = view.flow.sinks(view.function, site) if code in VALUES else ()
                yield Hit(
                    span=site.span,
                    message=message,
                    advice=view.dialect.advice[site.effect.remedy],
                    severity=None
                    if code not in VALUES or view.dialect.refuses
                    else severity_of(sinks, by_name=view.dialect.numbering == "name"),
                    sinks=sinks,
                )

    return check


def nothing(_view: View) -> Iterator[Hit]:
    """Be the check of a rule about comments, which no function shows."""
    yield from ()


def readable(name: str) -> str:
    """Write a name as a person would: `pathlib.Path().open` → `pathlib.Path.open`."""
    return name.removeprefix("builtins.").replace("()", "").replace("[]", "")
