"""The Rule: a page, which is its documentation and its tests, and a check over facts."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.calls import operations_of
from holdfast_lint.diagnostic import Severity, Sink
from holdfast_lint.dialect import SILENT, Dialect, Operation, Role
from holdfast_lint.flow import Flow, severity_of
from holdfast_lint.model import Call, Class, Expression, Function, Node, Span
from holdfast_lint.module import walk
from holdfast_lint.page import Page
from holdfast_lint.trace import Trace
from holdfast_lint.values import External
from holdfast_lint.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Be one function that a workflow reaches, as rules see it; `traces` are those of all functions."""

    function: Function
    trace: Trace
    traces: Mapping[Function, Trace]
    dialect: Dialect
    flow: Flow
    world: World

    @property
    def role(self) -> Role | None:
        """Say what the library makes of the function itself, if it calls it."""
        return self.world.entries.roles.get(self.function) or self.world.steps.roles.get(
            self.function
        )

    @property
    def owner(self) -> Class | None:
        """Give the class in whose body the function stands."""
        return self.world.project.scopes[self.function].owner

    def operations(self, call: Call) -> tuple[Operation, ...]:
        """Give the operations that a call may be."""
        return tuple(operations_of(self.world.dialects, self.trace, call))

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

    def touched(self, test: Expression, names: Container[str]) -> str | None:
        """Give the first of some names outside the project that an expression reads or calls, as people write it."""
        for part in walk(test):
            if isinstance(part, model.Name | model.Attribute | model.Call):
                for value in self.trace.values_of(part):
                    if isinstance(value, External):
                        name = value.name.removesuffix("()")
                        if name in names:
                            return self.dialect.shown(name)
        return None

    def schedules(self, call: Call) -> bool:
        """Tell whether a call asks for something that the history keeps in the order of the calls."""
        operations = (self.dialect.operations.get(name) for name in self.trace.names_of(call))
        return bool(self.trace.activities_of(call)) or any(
            operation is not None and operation.purpose not in SILENT for operation in operations
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Be one violation inside a function; without a severity of its own it has that of the rule.

    `root` is the entry whose path is to be shown, where not every path leads to a violation.
    """

    span: Span
    message: str
    advice: str
    severity: Severity | None = None
    sinks: tuple[Sink, ...] = ()
    root: Function | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """Be one violation in a definition, which no run needs to reach."""

    path: str
    hit: Hit


Check = Callable[[View], Iterator[Hit]]
Survey = Callable[[World], Iterator[Defect]]

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
    """Be one rule; each case under `Wrong` of its page breaks it and no other, those under `Right` break none.

    `file` holds the page. `check` looks at what workflows run, `check_step` at what activities and steps run, and `survey` at definitions.
    """

    page: Page
    file: str
    check: Check
    check_step: Check
    survey: Survey

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


def no_survey(_world: World) -> Iterator[Defect]:
    """Be the survey of a rule that looks at what runs."""
    yield from ()


def nothing(_view: View) -> Iterator[Hit]:
    """Be the check of a rule about comments, which no function shows."""
    yield from ()


def readable(name: str) -> str:
    """Write a name as a person would: `pathlib.Path().open` → `pathlib.Path.open`."""
    return name.removeprefix("builtins.").replace("()", "").replace("[]", "")
