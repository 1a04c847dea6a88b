"""What the checker says: diagnostics, the call path that leads to each, and files it could not check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from holdfast_lint.model import Span

Severity = Literal["error", "warning", "info"]
SinkKind = Literal["identity", "control", "argument", "state", "unknown", "result", "log", "unused"]
SEVERITIES: frozenset[str] = frozenset(get_args(Severity))


class LintError(Exception):
    """Say why a check cannot be carried out as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Be one function on the way from a workflow to a finding.

    `line` is where the function is defined; `call_line` is where it calls the next one, or the finding itself.
    """

    function: str
    path: str
    line: int
    call_line: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Edit:
    """Put `text` in the place of a span."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Be what would mend a finding; a safe one keeps types and meaning, and belongs to the finding alone."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Be a place where a forbidden value ends; `what` names the durable call, where there is one."""

    kind: SinkKind
    what: str
    path: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Be one finding; `chain` starts with a workflow and is empty for findings about comments.

    `sinks` say where a forbidden value goes, worst first; none are known for what is not a value.
    """

    code: str
    name: str
    severity: Severity
    path: str
    span: Span
    message: str
    advice: str
    chain: tuple[Hop, ...]
    other_workflows: int
    sinks: tuple[Sink, ...] = ()
    fix: Fix | None = None

    @property
    def symbol(self) -> str:
        """Name the function that the finding is in; nothing for the module itself."""
        return self.chain[-1].function if self.chain else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """Be a finding that a comment suppresses, and the reason that the comment gives."""

    diagnostic: Diagnostic
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Be a path that could not be checked, and why."""

    path: str
    line: int | None
    column: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Be a path below a named folder that was not looked at, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Count what the check saw; calls are those that a workflow can reach."""

    files: int
    workflows: int
    calls: int
    resolved_calls: int

    @property
    def resolved_percent(self) -> int:
        """Round down, so that 100 means all of them."""
        return 100 * self.resolved_calls // self.calls if self.calls else 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Be the outcome of one check, ordered by path and place.

    `checked` names the files that were asked for, with the codes that were looked for in each. `known` are findings
    that the file `baseline` holds.
    """

    diagnostics: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...] = ()
    problems: tuple[Problem, ...]
    coverage: Coverage
    sources: dict[str, str]
    left_out: tuple[LeftOut, ...] = ()
    checked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    known: tuple[Diagnostic, ...] = ()
    baseline: str | None = None

    def fixable(self, *, safely: bool) -> int:
        """Count the findings that have a safe fix, or an unsafe one."""
        return sum(item.fix is not None and item.fix.safe is safely for item in self.diagnostics)

    @property
    def failing(self) -> tuple[Diagnostic, ...]:
        """Leave out what is only for information."""
        return tuple(found for found in self.diagnostics if found.severity != "info")
