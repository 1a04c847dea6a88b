"""Replay a recorded history against today's code, and say where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from types import ModuleType
from typing import Any

from holdfast._core import driver, report
from holdfast._core.differing import missing_workflow, other_python
from holdfast._core.execution import Execution
from holdfast._core.matcher import Drift
from holdfast._core.report import Difference
from holdfast._core.wording import describe_event
from holdfast._guard.installing import install
from holdfast._rechecking import outcomes_of
from holdfast._registry import import_entry
from holdfast.errors import MissingWorkflowError, NondeterminismError, UnknownWorkflowError
from holdfast.history import History, SignalReceived, UpdateRequested, canonical
from holdfast.workflow import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Hold the outcome of a replay.

    `turns` counts those that matched. `difference` is the first that did not, `bug` the error that the code raised
    where the history has none, `drifts` the commands whose content differs although their identity does not. `notes`
    say what is worth a look and stops nothing.
    """

    workflow: str
    run: str
    turns: int
    commands: int
    difference: Difference | None
    bug: str | None
    drifts: tuple[Drift, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether an open run with this history would go on under today's code."""
        return self.difference is None and self.bug is None

    def text(self) -> str:
        """Return the outcome as a person reads it."""
        if self.difference is not None:
            return render_report(self.difference.to_json())
        head = f"{self.workflow} run {self.run}"
        if self.bug is not None:
            lines = [f"{head}: turn {self.turns + 1} raised {self.bug}"]
        else:
            lines = [f"{head}: {self.turns} turns, {self.commands} commands, no difference"]
            lines += [_drift_text(drift) for drift in self.drifts]
        lines += [f"  {note}" for note in self.notes]
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
    try:
        found = workflow or find_workflow(history)
    except MissingWorkflowError as error:
        return _nothing_replayed(history, missing_workflow(history, str(error)))
    install()
    state = driver.replay(found.definition, history)
    notes = _notes(history, state.execution) if state.difference is None else ()
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
        notes=notes,
    )


def _nothing_replayed(history: History, difference: Difference) -> ReplayResult:
    return ReplayResult(
        workflow=history.header.workflow, run=history.header.run, turns=0, commands=0, difference=difference, bug=None,
        drifts=(),
    )  # fmt: skip


def _notes(history: History, execution: Execution) -> tuple[str, ...]:
    python = other_python(history)
    return (*((python,) if python else ()), *_unread(execution))


def _unread(execution: Execution) -> tuple[str, ...]:
    """Return a note for each message that no code has asked for by its name."""
    handled = execution.updates.handled
    messages: list[SignalReceived | UpdateRequested] = [
        *(m for m in execution.mailbox.unread() if m.name not in execution.mailbox.names),
        *(m for m in execution.updates.unhandled() if m.name not in handled),
    ]
    return tuple(
        f"ND13 turn {m.turn}: nothing in the code has asked for the {describe_event(m, {})} so far"
        for m in messages
    )


def confirm(
    history: History, result: ReplayResult, workflow: Workflow[Any, Any] | None = None
) -> ReplayResult:
    """Replay a history that differs in other processes, each with its own hash seed, and say when they disagree.

    What they disagree about is not a change of the code: the code is not repeatable (ND16). Code that another process
    cannot import by name is left as it was judged.
    """
    found = result.difference
    if found is None or found.code in {"ND12", "ND14", "ND16"}:
        return result
    if found.code == "ND15" and not found.structure:  # nothing was replayed
        return result
    entry = history.header.entry if workflow is None else workflow.definition.entry
    outcomes = outcomes_of(history, entry)
    if len(set(outcomes)) < 2:  # noqa: PLR2004 - two outcomes are a disagreement
        return result
    detail = (
        f"The same code replayed under {len(outcomes)} hash seeds gave {len(set(outcomes))} outcomes: it is not "
        "repeatable."
    )
    other = changed(
        found,
        code="ND16",
        structure=found.structure or found.code,
        detail=f"{found.detail} {detail}".strip(),
        suggestion=report.suggest("ND16", (), ()),
    )
    return changed(result, difference=other)


def find_workflow(history: History) -> Workflow[Any, Any]:
    """Import the workflow that a history names, or raise `UnknownWorkflowError`.

    It is a `MissingWorkflowError` where the module is there and the workflow is not.
    """
    module = import_entry(history.header.entry.partition(":")[0])
    try:
        found = import_entry(history.header.entry)
    except UnknownWorkflowError:
        found = None
    if found is module or not isinstance(found, Workflow):
        raise MissingWorkflowError(
            f"The history is of {history.header.workflow} at {history.header.entry}, and that is no workflow now: "
            f"{_candidates(module)}. Name the code that replaces it: holdfast replay FILE --workflow module:function"
        )
    return found


def _candidates(module: ModuleType) -> str:
    here = sorted(
        f"{module.__name__}:{name}"
        for name, value in vars(module).items()
        if isinstance(value, Workflow) and value.definition.entry.startswith(f"{module.__name__}:")
    )
    return f"the workflows there are {', '.join(here)}" if here else "no workflow is defined there"


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
