"""Replay a recorded history against today's code, and say where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast._core import driver, report
from holdfast._core.matcher import Drift
from holdfast._core.report import Difference
from holdfast._guard.installing import install
from holdfast._registry import import_entry
from holdfast.errors import NondeterminismError, UnknownWorkflowError
from holdfast.history import History, canonical
from holdfast.workflow import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Hold the outcome of a replay.

    `turns` counts those that matched. `difference` is the first that did not, `bug` the error that the code raised
    where the history has none, `drifts` the commands whose content differs although their identity does not.
    """

    workflow: str
    run: str
    turns: int
    commands: int
    difference: Difference | None
    bug: str | None
    drifts: tuple[Drift, ...]

    @property
    def ok(self) -> bool:
        """Tell whether an open run with this history would go on under today's code."""
        return self.difference is None and self.bug is None

    def text(self) -> str:
        """Return the outcome as a person reads it."""
        if self.difference is not None:
            return render_report(self.difference.to_json())
        if self.bug is not None:
            return f"{self.workflow} run {self.run}: turn {self.turns + 1} raised {self.bug}"
        lines = [
            f"{self.workflow} run {self.run}: {self.turns} turns, {self.commands} commands, no difference"
        ]
        lines += [_drift_text(drift) for drift in self.drifts]
        return "\n".join(lines)

    def raise_for_difference(self, *, drift: bool = True) -> None:
        """Raise `NondeterminismError` unless the replay matched; with `drift`, also when content differs."""
        if not self.ok or (drift and self.drifts):
            raise NondeterminismError(
                self.text(), report=None if self.difference is None else self.difference.to_json()
            )


def replay(history: History, workflow: Workflow[Any, Any] | None = None) -> ReplayResult:
    """Run today's code against a history; nothing is executed but workflow code, and nothing is written.

    Args:
        history: What happened.
        workflow: The code; by default what the history names as its entry.
    """
    found = workflow or find_workflow(history)
    install()
    state = driver.replay(found.definition, history)
    state.execution.evict()
    turns = history.committed[: state.turns]
    return ReplayResult(
        workflow=found.name,
        run=history.header.run,
        turns=state.turns,
        commands=sum(len(turn.commands or ()) for turn in turns),
        difference=state.difference,
        bug=None if state.bug is None else _bug_text(state.bug),
        drifts=tuple(state.drifts),
    )


def find_workflow(history: History) -> Workflow[Any, Any]:
    """Import the workflow that a history names, or raise `UnknownWorkflowError`."""
    found = import_entry(history.header.entry)
    if not isinstance(found, Workflow):
        raise UnknownWorkflowError(
            f"The history is of {history.header.workflow} at {history.header.entry}, and that is no workflow now. "
            "Name the code that replaces it: holdfast replay FILE --workflow module:function"
        )
    return found


def render_report(difference: Mapping[str, Any]) -> str:
    """Return a difference, in its JSON form, as text: the turn, both source lines, three turns around, one edit."""
    return report.render(difference)


def _bug_text(bug: Exception) -> str:
    cause = bug.__cause__ or bug
    return f"{type(cause).__name__}: {cause}"


def _drift_text(drift: Drift) -> str:
    head = (
        f"  {drift.code} turn {drift.turn} #{drift.seq} {drift.name} {drift.field}: "
        f"recorded {canonical(drift.recorded)}, code says {canonical(drift.produced)} ({drift.site})"
    )
    return "\n".join([head, *(f"    {change}" for change in drift.changes)])
