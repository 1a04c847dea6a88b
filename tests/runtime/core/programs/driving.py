"""Runs a program on the core, in a world that answers in any order; then crashes it after every turn."""

import asyncio
import gc
import logging
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.runtime.core.programs.language import program, traces
from tests.runtime.core.programs.making import Choose

from holdfast._core.driver import advance, replay
from holdfast._core.execution import Execution
from holdfast._core.facts import WorkflowBugError
from holdfast.history import (
    ActivityCompleted,
    ActivityFailed,
    ApprovalDecided,
    ApprovalExpired,
    CancelCommand,
    CancelRequested,
    ChildCompleted,
    ChildFailed,
    Command,
    Event,
    Failure,
    Header,
    History,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    RunStarted,
    ScheduleActivity,
    SendSignal,
    SignalDelivered,
    SignalReceived,
    SignalRefused,
    StartChild,
    StartTimer,
    TimerFired,
    Turn,
    UpdateRequested,
    dump_history,
    parse_history,
)

_MOST_TURNS = 40
_FAILURE = Failure(type="ValueError", message="no")
_START = 1_767_225_600_000


class World:
    """Answer the open commands of a run in an order of its choice, timers in the order in which they are due."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._now = _START
        self._turn = 1
        self._open: dict[int, tuple[Command, int | None]] = {}
        self._late: list[Command] = []  # taken back; their answers may have been under way
        self._messages = 4
        self._may_cancel = True

    def take(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            match command:
                case ScheduleActivity() | RunCompensation() | StartChild() | SendSignal():
                    self._open[command.seq] = command, None
                case StartTimer():
                    self._open[command.seq] = command, self._now + command.ms
                case RequestApproval():
                    limit = command.timeout_ms
                    self._open[command.seq] = command, limit and self._now + limit
                case CancelCommand() if command.target in self._open:
                    taken, _ = self._open[command.target]
                    if not isinstance(taken, StartChild) or self._choose(2):
                        self._late.append(taken)
                        del self._open[command.target]
                case _:
                    pass

    def start(self, code: list[Any]) -> Event:
        return RunStarted(turn=1, at=self._now, args=[code])

    def next(self) -> Event | None:
        """Return what happens next; None when nothing will, or when it has gone on for long enough."""
        self._turn += 1
        if self._turn > _MOST_TURNS:
            return None
        if self._choose(6) == 5 and (event := self._from_outside()) is not None:
            return event
        if self._late and self._choose(4) == 3:
            return self._answer(self._late.pop(self._choose(len(self._late))))
        due = min((at for _, at in self._open.values() if at is not None), default=None)
        ready = [c for c, at in self._open.values() if at is None or at == due]
        ready += [
            c for c, at in self._open.values() if isinstance(c, RequestApproval) and c not in ready
        ]
        if not ready:
            return self._from_outside()
        command = ready[self._choose(len(ready))]
        at = self._open[command.seq][1]
        in_time = isinstance(command, RequestApproval) and (at != due or self._choose(2) == 0)
        if at is not None and not in_time:
            self._now = max(self._now, at)
        else:
            self._now += self._choose(3) * 400
        return self._answer(command, late=not in_time)

    def _answer(  # noqa: C901, PLR0911, PLR0912 - one line per kind
        self, command: Command, *, late: bool = False
    ) -> Event:
        common: dict[str, Any] = {"turn": self._turn, "at": self._now, "seq": command.seq}
        bad = self._choose(8) == 7
        if isinstance(command, RequestApproval) and not late and bad:
            return ApprovalDecided(**common, answer="2026-02-31", by="anna")  # its schema allows it
        self._open.pop(command.seq, None)
        match command:
            case StartTimer():
                return TimerFired(**common)
            case RequestApproval() if late and command.timeout_ms:
                return ApprovalExpired(**common)
            case RequestApproval():
                return ApprovalDecided(**common, answer="2026-03-01", by="anna")
            case StartChild() if bad:
                return ChildFailed(**common, status="failed", failure=_FAILURE)
            case StartChild():
                return ChildCompleted(**common, result=command.seq)
            case SendSignal() if bad:
                return SignalRefused(**common, failure=_FAILURE)
            case SendSignal():
                return SignalDelivered(**common)
            case _ if bad:
                return ActivityFailed(**common, failure=_FAILURE)
            case ScheduleActivity(name="judge"):
                return ActivityCompleted(**common, result=("ok", "no")[self._choose(2)])
            case ScheduleActivity(name="work"):
                return ActivityCompleted(**common, result=command.seq)
            case _:
                return ActivityCompleted(**common, result=None)

    def _from_outside(self) -> Event | None:
        common: dict[str, Any] = {"turn": self._turn, "at": self._now}
        kind = self._choose(5) % 3  # a cancellation is the rarest
        if kind == 2 and self._may_cancel:
            self._may_cancel = False
            return CancelRequested(**common, reason="enough")
        if not self._messages:
            return None
        self._messages -= 1
        if kind == 1:
            return UpdateRequested(
                **common, name="ask", payload=self._choose(6), update=f"u{self._turn}"
            )
        return SignalReceived(
            **common, name="news", payload=self._choose(9), message=f"m{self._turn}"
        )


@dataclass(frozen=True)
class Moment:
    """Hold what can be seen of a run after a turn."""

    commands: tuple[Command, ...]
    trace: tuple[Any, ...]
    pending: tuple[int, ...]
    parked: tuple[Any, ...]
    patches: tuple[Any, ...]
    size: int


@dataclass
class Story:
    """Hold one run: its events and what each led to; `bug` is the error by which the last event blocks it."""

    code: list[Any]
    events: list[Event] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    bug: str = ""
    closed: bool = False

    def history(self, turns: int) -> History:
        header = Header(
            workflow=program.name,
            entry=program.definition.entry,
            run="r",
            status="open",
            code=program.definition.fingerprint,
            python="3",
            flags=0,
            seed="42",
        )
        pairs = zip(self.events[:turns], self.moments[:turns], strict=True)
        return History(
            header=header,
            turns=tuple(Turn(event=event, commands=moment.commands) for event, moment in pairs),
        )


@dataclass
class Tally:
    """Count what was tried, and hold what was found."""

    turns: int = 0
    crashes: int = 0
    remains: list[weakref.ref[Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class DifferenceError(AssertionError):
    """Report a program that did not do the same again."""


def moment_of(execution: Execution) -> Moment:
    # Replay does not decode again what was put back to a person, so it cannot say why.
    commands = [
        replace(command, reason="") if isinstance(command, ReopenApproval) else command
        for command in execution.commands
    ]
    return Moment(
        commands=tuple(commands),
        trace=tuple(map(repr, traces.get(execution._loop, ()))),
        pending=tuple(command.seq for command in execution.pending()),
        parked=tuple(execution.parking),
        patches=tuple(execution.decisions),
        size=execution.history_size,
    )


def apply(execution: Execution, event: Event) -> str:
    """Apply an event as a worker does, and return the bug by which the code answers, if it does."""
    try:
        applied = advance(execution, event)
    except WorkflowBugError as error:
        return f"{type(error.__cause__).__name__}: {error}"
    assert applied.commands == tuple(execution.commands)
    return ""


def play(code: list[Any], choose: Choose, tally: Tally) -> Story:
    """Run a program to its end, or until nothing happens to it any more."""
    story, world = Story(code), World(choose)
    execution = replay(program.definition, story.history(0)).execution
    try:
        _live(execution, story, world)
    finally:  # also when Hypothesis has no choices left
        leave(execution, tally)
    tally.turns += len(story.moments)
    return story


def _live(execution: Execution, story: Story, world: World) -> None:
    event: Event | None = world.start(story.code)
    while event is not None and not execution.closed:
        story.events.append(event)
        story.bug = apply(execution, event)
        if story.bug:
            break
        story.moments.append(moment_of(execution))
        world.take(story.moments[-1].commands)
        event = world.next()
    story.closed = execution.closed


def leave(execution: Execution, tally: Tally) -> None:
    tasks = [weakref.ref(task) for task in execution._loop.pending_tasks()]
    coroutines = [weakref.ref(task.get_coro()) for task in execution._loop.pending_tasks()]
    if not execution.evict():
        tally.complaints.append("a task would not end")
    tally.remains += [*tasks, *coroutines, weakref.ref(execution)]


def crash_everywhere(story: Story, tally: Tally) -> None:
    """Replay every beginning of a run and let it go on from there; raise `DifferenceError` unless all is the same."""
    for turns in range(len(story.moments) + 1):
        tally.crashes += 1
        state = replay(program.definition, story.history(turns))
        try:
            if state.difference or state.bug or state.drifts:
                raise DifferenceError(
                    f"replay of {turns} turns: {state.difference or state.bug or state.drifts}"
                )
            if turns:
                compare(
                    f"replay of {turns} turns", story.moments[turns - 1], moment_of(state.execution)
                )
            go_on(story, turns, state.execution)
        finally:
            leave(state.execution, tally)


def go_on(story: Story, turns: int, execution: Execution) -> None:
    for index in range(turns, len(story.events)):
        what = f"crash after turn {turns}, turn {index + 1}"
        bug = apply(execution, story.events[index])
        if index < len(story.moments):
            compare(what, story.moments[index], moment_of(execution))
        if bug != (story.bug if index == len(story.moments) else ""):
            raise DifferenceError(f"{what}: raised {bug!r}, and at first {story.bug!r}")
    if execution.closed != story.closed:
        raise DifferenceError(f"crash after turn {turns}: closed={execution.closed}")


def compare(what: str, first: Moment, again: Moment) -> None:
    for name in Moment.__dataclass_fields__:
        before, after = getattr(first, name), getattr(again, name)
        if before != after:
            raise DifferenceError(f"{what}: {name}\n  at first: {before}\n  again:    {after}")


def check(code: list[Any], choose: Choose, tally: Tally) -> Story:
    """Run a program, crash it after every turn, and see that nothing differs and nothing is left behind."""
    tally.remains, tally.complaints = [], []
    with listening(tally):
        story = play(code, choose, tally)
        history = story.history(len(story.moments))
        if parse_history(dump_history(history)) != history:
            raise DifferenceError("the history does not survive its file")
        crash_everywhere(story, tally)
        gc.collect()
    left = [repr(found) for reference in tally.remains if (found := reference()) is not None]
    complaints = tally.complaints + [f"left behind: {found}" for found in left]
    if complaints:
        raise DifferenceError("; ".join(complaints))
    return story


@contextmanager
def listening(tally: Tally) -> Iterator[None]:
    """Collect what Python and asyncio say about what was dropped."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tally.complaints.append(record.getMessage())

    ear, logger, hook = Ear(), logging.getLogger(asyncio.__name__), sys.unraisablehook
    logger.addHandler(ear)
    sys.unraisablehook = lambda found: tally.complaints.append(
        f"{found.exc_value!r} in {found.object!r}"
    )
    try:
        yield
    finally:
        logger.removeHandler(ear)
        sys.unraisablehook = hook
