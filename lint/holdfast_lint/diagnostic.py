"""What the checker says: diagnostics, the call path that leads to each, and files it could not check."""

from dataclasses import dataclass
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
    """Be the outcome of one check, ordered by path and place."""

    diagnostics: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...] = ()
    problems: tuple[Problem, ...]
    coverage: Coverage
    sources: dict[str, str]

    @property
    def failing(self) -> tuple[Diagnostic, ...]:
        """Leave out what is only for information."""
        return tuple(found for found in self.diagnostics if found.severity != "info")
