"""Brings a run to its frontier by replay, and advances it from there."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from holdfast._core.differing import difference, old_branch_gone, unknown_flags
from holdfast._core.execution import Execution
from holdfast._core.facts import OrphanEventError, RunFacts, WorkflowBugError
from holdfast._core.matcher import (
    Drift,
    Identity,
    alike,
    classify,
    drifts_of,
    identity,
    matches,
    without_retired,
)
from holdfast._core.report import Difference
from holdfast._registry import WorkflowDefinition
from holdfast.errors import HoldfastError, PayloadError
from holdfast.history import (
    ActivityCompleted,
    ApprovalDecided,
    CancelRequested,
    ChildCompleted,
    Command,
    Event,
    History,
    RecordPatch,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    RunStarted,
    ScheduleActivity,
    SendSignal,
    SignalDelivered,
    SignalDiscarded,
    SignalReceived,
    StartChild,
    StartTimer,
    TimerFired,
    Turn,
    UpdateRequested,
)

_LOOK_AHEAD = 5
_AT_ONCE = 100  # turns: what they leave behind is collected between two batches
FLAGS = 0  # the engine flags that this release knows; a run carries those it was started with


_Raised = OrphanEventError | PayloadError | WorkflowBugError


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


def replay(
    definition: WorkflowDefinition, history: History, *, active: frozenset[str] | None = None
) -> Replayed:
    """Apply every committed turn to today's code and compare; stop at the first turn that differs.

    `active` are the patches that the turns to come may take; None when nothing holds one back.
    """
    turns = history.committed
    markers = [c for turn in turns for c in turn.commands or () if isinstance(c, RecordPatch)]
    facts = RunFacts(
        run_id=history.header.run,
        seed=history.header.seed,
        patches=frozenset((marker.patch, marker.key) for marker in markers),
        active=active,
        reopened=frozenset(
            turn.event.turn
            for turn in turns
            for c in turn.commands or ()
            if isinstance(c, ReopenApproval)
        ),
        children=dict(history.header.children),
        # Those that no worker has applied yet too: they let the turn before them be applied.
        discarded=frozenset(
            turn.event.target for turn in history.turns if isinstance(turn.event, SignalDiscarded)
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
        state.difference = unknown_flags(definition, history, FLAGS)
        return state
    while state.turns < len(turns):
        error = _apply_as_recorded(state, turns, definition.retired_patches)
        if state.turns == len(turns) or not _compare(state, definition, history, error):
            break
        state.turns += 1
    if state.difference is None:
        state.difference = old_branch_gone(
            definition, history, turns[-1].event.turn if turns else 0
        )
    return state


def _apply_as_recorded(
    state: Replayed, turns: Sequence[Turn], retired: frozenset[str]
) -> _Raised | None:
    """Apply turns until one is not plainly as recorded, and return what that one raised, if anything.

    The loop of the run is entered once for many turns: that costs as much as comparing one.
    """
    execution = state.execution
    while state.turns < len(turns):
        with execution.entered():
            for turn in turns[state.turns : state.turns + _AT_ONCE]:
                recorded = turn.commands or ()
                if retired:
                    recorded = without_retired(recorded, retired)
                execution.encoding.recorded = recorded
                try:
                    produced = execution.apply(turn.event, live=False)
                except (OrphanEventError, PayloadError, WorkflowBugError) as error:
                    return error
                if not alike(recorded, produced):
                    return None
                state.turns += 1
    return None


def _compare(
    state: Replayed,
    definition: WorkflowDefinition,
    history: History,
    error: _Raised | None,
) -> bool:
    """Look closely at the turn that was applied last; False when it ends the replay."""
    index = state.turns
    turn = history.committed[index]
    recorded = without_retired(turn.commands or (), definition.retired_patches)
    execution = state.execution
    code, detail = "", ""
    bug = error if isinstance(error, WorkflowBugError) else None
    if isinstance(error, OrphanEventError):
        code, detail = "ND13", f"{error}."
    elif isinstance(error, PayloadError):
        code, detail = "ND14", str(error)
    produced = tuple(execution.commands)
    if not code and not matches(recorded, produced):
        is_partial = bug is not None and matches(recorded[: len(produced)], produced)
        code = "" if is_partial else _classify(state, history, index, recorded, produced)
    if code:
        state.difference = difference(code, definition, history, index, produced, detail)
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
    later: list[Command] = []
    for step in range(_LOOK_AHEAD):
        event = following[step].event if step < len(following) else None
        at = event or history.turns[-1].event
        guess = None if execution.closed else _guess(execution.pending(), event, at, recorded)
        if guess is not None:
            # The run is past its difference: whatever follows is only evidence.
            with contextlib.suppress(OrphanEventError, WorkflowBugError, HoldfastError):
                execution.apply(guess, live=False, guessed=True)
            later += execution.commands
    return later


def _guess(
    pending: Sequence[Command], event: Event | None, at: Event, recorded: Mapping[int, Identity]
) -> Event | None:
    """Return an event that lets the code go on from where it waits now.

    That is the recorded one where nothing asked for it, or where the code waits for the same command; else an answer
    to the oldest command that can be given one. `at` says when.
    """
    if isinstance(event, RunStarted):
        return None
    if isinstance(event, SignalReceived | SignalDiscarded | UpdateRequested | CancelRequested):
        return event
    if event is not None:
        wanted = recorded.get(event.seq)
        for command in pending:
            if identity(command) == wanted:
                return replace(event, seq=command.seq)
    answers = (_made_up(command, event, at) for command in pending)
    return next((answer for answer in answers if answer is not None), None)


def _made_up(command: Command, event: Event | None, at: Event) -> Event | None:
    """Return an answer to a command to which history has none; None for those that only a person can give."""
    result = event.result if isinstance(event, ActivityCompleted | ChildCompleted) else None
    match command:
        case StartTimer():
            return TimerFired(turn=at.turn, at=at.at, seq=command.seq)
        case ScheduleActivity() | RunCompensation():
            return ActivityCompleted(turn=at.turn, at=at.at, seq=command.seq, result=result)
        case StartChild():
            return ChildCompleted(turn=at.turn, at=at.at, seq=command.seq, result=result)
        case SendSignal():
            return SignalDelivered(turn=at.turn, at=at.at, seq=command.seq)
        case RequestApproval() if isinstance(event, ApprovalDecided):
            return replace(event, seq=command.seq)
        case _:
            return None


def advance(execution: Execution, event: Event) -> AppliedTurn:
    """Apply the next inbound event live."""
    commands = execution.apply(event, live=True)
    return AppliedTurn(turn=event.turn, commands=commands)
