"""Makes the report of a difference: its class, the deeper reason where there is one, and the lines to show."""

from collections.abc import Sequence
from dataclasses import replace

from holdfast._core.facts import UnreadableLetterError
from holdfast._core.matcher import without_retired
from holdfast._core.report import Difference, lines_of, suggest, turns_around
from holdfast._core.wording import describe_event, names_of
from holdfast._registry import WorkflowDefinition, python_minor
from holdfast.errors import PayloadError
from holdfast.history import Command, Event, History, PatchDecision, Turn


def difference(
    code: str,
    definition: WorkflowDefinition,
    history: History,
    index: int,
    produced: Sequence[Command],
    detail: str,
) -> Difference:
    """Return the report of a difference in the turn at `index`; `code` is its structural class.

    The report leads with a deeper reason where there is one: the run took a branch that is gone (ND12), or the very
    same code applied this turn before: on another Python (ND15), or on this one (ND16).
    """
    turns = history.turns
    turn = turns[index]
    retired = definition.retired_patches
    recorded = without_retired(turn.commands or (), retired)
    old = _old_branches(definition, history, turn.event.turn)
    expected, got = lines_of(recorded, produced), lines_of(produced, recorded)
    reason, why = (code, "") if code == "ND14" else _reason(code, definition, history, turn, old)
    return Difference(
        code=reason,
        structure="" if reason == code else code,
        workflow=definition.name,
        run=history.header.run,
        turn=turn.event.turn,
        after=describe_event(turn.event, names_of(turns)),
        expected=expected,
        got=got,
        around=turns_around(turns, index, expected, got),
        recorded_code=turn.code or history.header.code,
        current_code=definition.fingerprint,
        suggestion=suggest(reason, recorded, produced, patch=old[0].patch if old else ""),
        detail=" ".join(text for text in (detail, why, other_python(history)) if text),
    )


def _reason(
    code: str,
    definition: WorkflowDefinition,
    history: History,
    turn: Turn,
    old: Sequence[PatchDecision],
) -> tuple[str, str]:
    if old:
        return "ND12", (
            f"At turn {old[0].turn} the run took the old branch of {named(old[0])}, and the code says that this branch "
            "is gone."
        )
    if definition.has_files and turn.code == definition.fingerprint:
        if other_python(history):
            return "ND15", "This very code applied the turn before: the Python is what changed."
        return "ND16", (
            "This very code applied the turn before and asked for something else: it is not repeatable, unless a "
            "library outside the project has changed."
        )
    return code, ""


def other_python(history: History) -> str:
    """Return what to say when another minor version of Python started the run; empty when it was this one."""
    here, recorded = python_minor(), history.header.python
    return "" if recorded in {"", here} else f"Started on Python {recorded}, replayed on {here}."


def _old_branches(
    definition: WorkflowDefinition, history: History, turn: int
) -> list[PatchDecision]:
    decisions = sorted(history.header.decisions, key=lambda decision: decision.turn)
    return [
        decision
        for decision in decisions
        if not decision.taken
        and decision.patch in definition.retired_patches
        and decision.turn <= turn
    ]


def named(decision: PatchDecision) -> str:
    """Return a patch as code asks for it."""
    key = "" if decision.key is None else f", key={decision.key!r}"
    return f'patched("{decision.patch}"{key})'


def old_branch_gone(
    definition: WorkflowDefinition, history: History, turns: int
) -> Difference | None:
    """Return the report for a run on the old branch of a retired patch, where nothing else differs in `turns` turns."""
    old = _old_branches(definition, history, turns)
    if not old:
        return None
    index = old[0].turn - 1
    same = without_retired(history.turns[index].commands or (), definition.retired_patches)
    return difference("ND12", definition, history, index, same, "")


def undecodable(
    definition: WorkflowDefinition, history: History, event: Event, error: Exception
) -> Difference:
    """Return the report for an event that has not been applied yet and cannot be."""
    code = "ND14" if isinstance(error, PayloadError) else "ND13"
    found = difference(code, definition, history, event.turn - 1, (), str(error))
    if not isinstance(error, UnreadableLetterError):
        return found
    letter = error.letter
    return replace(
        found,
        letter={"message": letter.message, "name": letter.name, "turn": letter.turn},
        suggestion=f"{found.suggestion} Or take this one message out, and have it sent again as it should be: "
        f"holdfast discard {history.header.run} {letter.message} --by YOU",
    )


def unknown_flags(definition: WorkflowDefinition, history: History, known: int) -> Difference:
    """Return the report for a run that was started with engine flags of another release."""
    return _environment(
        history,
        f"The run uses engine flags {history.header.flags:#x}; this holdfast knows {known:#x}.",
        "Replay it with the release of holdfast that recorded it, or a later one.",
        definition.fingerprint,
    )


def missing_workflow(history: History, detail: str) -> Difference:
    """Return the report for a history whose workflow is not in the code any more."""
    return _environment(
        history,
        detail,
        "Bring the workflow back until no open run needs it.",
        "none",
    )


def _environment(history: History, detail: str, suggestion: str, code: str) -> Difference:
    """Return the report for a history of which nothing could be replayed."""
    header = history.header
    return Difference(
        code="ND15",
        workflow=header.workflow,
        run=header.run,
        turn=1,
        after=describe_event(history.turns[0].event if history.turns else None, {}),
        expected=(),
        got=(),
        around=turns_around(history.turns, 0),
        recorded_code=header.code,
        current_code=code,
        suggestion=suggestion,
        detail=" ".join(text for text in (detail, other_python(history)) if text),
    )
