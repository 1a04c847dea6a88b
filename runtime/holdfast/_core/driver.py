"""Brings a run to its frontier by replay, and advances it from there."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from holdfast._core.execution import Execution, OrphanEventError, RunFacts, WorkflowBugError
from holdfast._core.matcher import (
    Drift,
    Identity,
    classify,
    drifts_of,
    identity,
    matches,
    without_retired,
)
from holdfast._core.report import (
    Difference,
    describe_event,
    lines_of,
    names_of,
    suggest,
    turns_around,
)
from holdfast._registry import WorkflowDefinition
from holdfast.errors import HoldfastError, PayloadError
from holdfast.history import (
    ActivityCompleted,
    ApprovalDecided,
    Command,
    Event,
    History,
    RecordPatch,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    ScheduleActivity,
    StartTimer,
    TimerFired,
    Turn,
)

_LOOK_AHEAD = 5
FLAGS = 0  # the engine flags that this release knows; a run carries those it was started with


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTurn:
    """Pair a turn with the commands that its event produced."""

    turn: int
    commands: tuple[Command, ...]


@dataclass(slots=True, kw_only=True)
class Replayed:
    """Hold what a replay ended in: an execution at the frontier, a difference, or a bug of the workflow."""

    execution: Execution
    turns: int = 0
    difference: Difference | None = None
    bug: WorkflowBugError | None = None
    drifts: list[Drift] = field(default_factory=list)


def replay(definition: WorkflowDefinition, history: History) -> Replayed:
    """Apply every committed turn to today's code and compare; stop at the first turn that differs."""
    turns = history.committed
    markers = [c for turn in turns for c in turn.commands or () if isinstance(c, RecordPatch)]
    facts = RunFacts(
        run_id=history.header.run,
        seed=history.header.seed,
        patches=frozenset((marker.patch, marker.key) for marker in markers),
        reopened=frozenset(
            turn.event.turn
            for turn in turns
            for c in turn.commands or ()
            if isinstance(c, ReopenApproval)
        ),
        quorums={
            c.seq: c.quorum
            for turn in turns
            for c in turn.commands or ()
            if isinstance(c, RequestApproval)
        },
    )
    execution = Execution(definition, facts)
    execution.skipped_seqs = frozenset(
        m.seq for m in markers if m.patch in definition.retired_patches
    )
    state = Replayed(execution=execution)
    if history.header.flags & ~FLAGS:
        unknown = (
            f"The run uses engine flags {history.header.flags:#x}; this holdfast knows {FLAGS:#x}."
        )
        state.difference = _difference("ND15", definition, history, 0, (), unknown)
        return state
    for index, turn in enumerate(turns):
        if not _replay_turn(state, definition, history, index, turn):
            return state
        state.turns += 1
    return state


def _replay_turn(
    state: Replayed, definition: WorkflowDefinition, history: History, index: int, turn: Turn
) -> bool:
    recorded = without_retired(turn.commands or (), definition.retired_patches)
    execution = state.execution
    code, detail, bug = "", "", None
    try:
        execution.apply(turn.event, live=False)
    except OrphanEventError as error:
        code, detail = "ND13", f"{error}."
    except PayloadError as error:
        code, detail = "ND14", str(error)
    except WorkflowBugError as error:
        bug = error
    produced = tuple(execution.commands)
    if not code and not matches(recorded, produced):
        is_partial = bug is not None and matches(recorded[: len(produced)], produced)
        code = "" if is_partial else _classify(state, history, index, recorded, produced)
    if code:
        state.difference = _difference(code, definition, history, index, produced, detail)
    elif bug is not None:
        state.bug = bug
    else:
        found = drifts_of(turn.event.turn, recorded, produced, execution.encoding.complete)
        unstable = execution.unstable
        state.drifts += [d for d in found if d.field != "args" or d.seq not in unstable]
    return not code and bug is None


def _classify(
    state: Replayed,
    history: History,
    index: int,
    recorded: Sequence[Command],
    produced: Sequence[Command],
) -> str:
    following = history.turns[index + 1 : index + 1 + _LOOK_AHEAD]
    recorded_later = [command for turn in following for command in turn.commands or ()]
    produced_later = _produced_later(state.execution, history, following)
    return classify(
        recorded, produced, recorded_later=recorded_later, produced_later=produced_later
    )


def _produced_later(
    execution: Execution, history: History, following: Sequence[Turn]
) -> list[Command]:
    """Let the code run on for a few turns, only to see whether it asks later for what is missing now."""
    recorded = {
        command.seq: identity(command) for turn in history.turns for command in turn.commands or ()
    }
    events = [turn.event for turn in following] or [history.turns[-1].event]
    later: list[Command] = []
    for step in range(_LOOK_AHEAD):
        event = events[min(step, len(events) - 1)]
        guess = None if execution.closed else _guess(execution.pending(), event, recorded)
        if guess is None:
            break
        # The run is past its difference: whatever follows is only evidence.
        with contextlib.suppress(OrphanEventError, WorkflowBugError, HoldfastError):
            execution.apply(guess, live=False, guessed=True)
        later += execution.commands
    return later


def _guess(
    pending: Sequence[Command], event: Event, recorded: Mapping[int, Identity]
) -> Event | None:
    """Return an event for what the code waits for now: the recorded answer to the same command, else to the oldest."""
    wanted = recorded.get(getattr(event, "seq", 0))
    target = next((c for c in pending if identity(c) == wanted), pending[0] if pending else None)
    match target:
        case StartTimer():
            return TimerFired(turn=event.turn, at=event.at, seq=target.seq)
        case ScheduleActivity() | RunCompensation():
            result = event.result if isinstance(event, ActivityCompleted) else None
            return ActivityCompleted(turn=event.turn, at=event.at, seq=target.seq, result=result)
        case RequestApproval() if isinstance(event, ApprovalDecided):
            return replace(event, seq=target.seq)
        case _:
            return None


def _difference(
    code: str,
    definition: WorkflowDefinition,
    history: History,
    index: int,
    produced: tuple[Command, ...],
    detail: str,
) -> Difference:
    turns = history.turns
    turn = turns[index]
    recorded = without_retired(turn.commands or (), definition.retired_patches)
    return Difference(
        code=code,
        workflow=definition.name,
        run=history.header.run,
        turn=turn.event.turn,
        after=describe_event(turn.event, names_of(turns)),
        expected=lines_of(recorded, produced),
        got=lines_of(produced, recorded),
        around=turns_around(turns, index),
        recorded_code=history.header.code,
        current_code=definition.fingerprint,
        suggestion=suggest(code, recorded, produced),
        detail=detail,
    )


def undecodable(
    definition: WorkflowDefinition, history: History, event: Event, error: Exception
) -> Difference:
    """Return the report for an event that has not been applied yet and cannot be."""
    code = "ND14" if isinstance(error, PayloadError) else "ND13"
    return Difference(
        code=code,
        workflow=definition.name,
        run=history.header.run,
        turn=event.turn,
        after=describe_event(event, names_of(history.turns)),
        expected=(),
        got=(),
        around=turns_around(history.turns, event.turn - 1),
        recorded_code=history.header.code,
        current_code=definition.fingerprint,
        suggestion=suggest(code, (), ()),
        detail=str(error),
    )


def advance(execution: Execution, event: Event) -> AppliedTurn:
    """Apply the next inbound event live."""
    commands = execution.apply(event, live=True)
    return AppliedTurn(turn=event.turn, commands=commands)
