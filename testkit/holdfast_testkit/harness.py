"""Run workflows in one process on a virtual clock: what takes days takes milliseconds."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType, TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from holdfast import Client, RunHandle, Worker
from holdfast.activity import Activity
from holdfast.client import RunDetail, ScheduleHandle
from holdfast.clock import VirtualClock, instant
from holdfast.errors import ArgumentError
from holdfast.health import CODES, Family, Thresholds, Verdict
from holdfast.history import AnswerUpdate, History, RefuseUpdate
from holdfast.schedules import Spec, TickSummary
from holdfast.workflow import Signal, Update, Workflow
from holdfast_testkit.fakes import Fake, NotFakedError, refusing, replaced

R = TypeVar("R")
T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")

_MAX_STEPS = 10_000
_BY_TIME_ALONE = frozenset({"human.due_soon", "human.overdue"})


class SimStuckError(AssertionError):
    """Report a simulated run that cannot get where the test wants it."""


@dataclass(frozen=True, slots=True)
class SimRun(Generic[R]):
    """Stand for one simulated run."""

    id: str
    handle: RunHandle[R]


@dataclass(frozen=True, slots=True)
class SimSchedule:
    """Stand for one schedule of a simulation."""

    id: str
    handle: ScheduleHandle


class Sim:
    """Run workflows on a virtual clock and a database in memory; the engine is the real one.

    Every turn replays the run from its start, so code that cannot be replayed fails in the test. Activities do not
    run unless they are faked with `fake` or let through with `real`.
    """

    def __init__(self, *, start: datetime | None = None) -> None:
        self.clock = (
            VirtualClock()
            if start is None
            else VirtualClock(now_ms=round(start.timestamp() * 1000))
        )
        self._runner = asyncio.Runner()
        self._client = Client("sqlite://", clock=self.clock)
        self._fakes: dict[str, Fake] = {}
        self._known: dict[str, Activity[..., Any]] = {}
        self._real: set[str] = set()
        self._workflows: dict[str, Workflow[Any, Any]] = {}
        self._missing: list[str] = []
        self._asked = 0
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database and the event loop."""
        self._client.close()
        self._runner.close()

    @property
    def now(self) -> datetime:
        """Return the virtual time."""
        return instant(self.clock.now_ms)

    # Setting up

    def fake(self, activity: Activity[..., Any]) -> Fake:
        """Replace an activity: `sim.fake(search).returns([…])`."""
        self._worker = None
        self._known[activity.name] = activity
        return self._fakes.setdefault(activity.name, Fake(activity.name))

    def real(self, *activities: Activity[..., Any]) -> None:
        """Let the real functions of these activities run."""
        self._worker = None
        self._known.update({activity.name: activity for activity in activities})
        self._real.update(activity.name for activity in activities)

    def start(
        self,
        workflow: Workflow[Any, R],
        *args: Any,
        id: str | None = None,  # noqa: A002 - the field's word
        timeout: timedelta | None = None,
    ) -> SimRun[R]:
        """Start a run; nothing of it happens before the simulation is asked to go on."""
        self._learn(workflow)
        handle = self._runner.run(self._client.start(workflow, *args, id=id, timeout=timeout))
        return SimRun(handle.id, handle)

    def schedule(
        self,
        id: str,  # noqa: A002 - the field's word
        workflow: Workflow[Any, Any],
        *args: Any,
        spec: Spec,
        **options: Any,
    ) -> SimSchedule:
        """Start runs on a schedule; the options are those of `Client.create_schedule`."""
        self._learn(workflow)
        made = self._client.create_schedule(id, workflow, *args, spec=spec, **options)
        return SimSchedule(id, self._runner.run(made))

    def _learn(self, workflow: Workflow[Any, Any]) -> None:
        known = self._workflows.setdefault(workflow.name, workflow)
        if known.fn is not workflow.fn:
            raise ArgumentError(
                f"Two workflows are called {workflow.name!r}; give one of them another name=."
            )
        self._worker = None

    # Going on

    def run_until(self, run: SimRun[Any], wanted: str) -> Verdict:
        """Go on until the run is in a health family or code, such as `person` or `wait.timer`, moving time as needed."""
        if wanted not in {*CODES, *(family.value for family in Family)}:
            raise SimStuckError(
                f"{wanted!r} is no health family or code; codes are {', '.join(CODES)}."
            )
        for _ in range(_MAX_STEPS):
            self._settle()
            detail = self.describe(run)
            _refuse_drift(detail)
            verdict = self._look_between(run, detail, wanted) or detail.summary.verdict
            if wanted in {verdict.family.value, verdict.code}:
                return verdict
            self._move_on(run, detail, wanted)
        raise SimStuckError(
            f"Run {run.id} did not become {wanted!r} in {_MAX_STEPS:,} steps; ask for something nearer."
        )

    def advance(self, by: timedelta) -> None:
        """Let time pass, doing what becomes due on the way at its own moment."""
        end = self.clock.now_ms + round(by / timedelta(milliseconds=1))
        self._settle()
        while (due := self._next_due()) is not None and due <= end:
            self.clock.advance_to(due)
            self._settle()
        self.clock.advance_to(end)
        self._settle()

    def next_tick(self, schedule: SimSchedule) -> TickSummary:
        """Let time pass until the schedule fires next, and return what became of that tick."""
        detail = self._runner.run(schedule.handle.describe(upcoming=1))
        if not detail.upcoming:
            raise SimStuckError(
                f"Schedule {schedule.id} has no tick to go to: {detail.summary.why}."
            )
        moment = detail.upcoming[0]
        self.advance(timedelta(milliseconds=max(0, moment - self.clock.now_ms)))
        return next(tick for tick in self.ticks(schedule) if tick.fire_at == moment)

    def ticks(self, schedule: SimSchedule) -> list[TickSummary]:
        """Return what became of the ticks of the schedule, the newest first."""
        return list(self._runner.run(schedule.handle.describe(last=1000)).ticks)

    def run_of(self, tick: TickSummary) -> SimRun[Any]:
        """Return the run that a tick has started."""
        if tick.run_id is None:
            raise SimStuckError(
                f"The tick of {instant(tick.at)} has started no run, it is {tick.state}: {tick.note}."
            )
        return SimRun(tick.run_id, self._client.get(tick.run_id))

    def approve(
        self,
        run: SimRun[Any],
        approval: str,
        answer: Any,
        *,
        by: str = "tester",
        comment: str = "",
        saw: str = "",
    ) -> None:
        """Answer an approval, waiting for the run to ask if it has not yet; several people, with a quorum, by name."""
        self._settle()
        open_names = {found.name for found in self.describe(run).approvals if found.state == "open"}
        if approval not in open_names:
            self.run_until(run, Family.PERSON.value)
        self._runner.run(
            self._client.decide(run.id, approval, answer, by=by, comment=comment, saw=saw)
        )

    def resolve(
        self,
        run: SimRun[Any],
        activity: Activity[..., Any],
        *,
        by: str = "tester",
        **decision: Any,
    ) -> None:
        """Say what became of an activity in attention: `happened=RESULT`, `retry=True` or `fail="reason"`."""
        self._settle()
        for row in self.describe(run).activities:
            if row.name == activity.name and row.state == "attention":
                self._runner.run(self._client.resolve_activity(run.id, row.seq, by=by, **decision))
                return
        raise SimStuckError(
            f"No {activity.name} of run {run.id} is in attention; `run_until(run, 'human.attention')` goes on to there."
        )

    def signal(
        self, run: SimRun[Any], signal: Signal[T], value: T, *, message: str | None = None
    ) -> bool:
        """Send a message to the run; False when it has had one with this id before."""
        return self._runner.run(self._client.signal(run.id, signal, value, message=message))

    def update(self, run: SimRun[Any], update: Update[T, U], value: T) -> U:
        """Ask the run for a reply, moving time as needed; raise `UpdateRefusedError` when it refuses."""
        self._asked += 1
        name = f"sim-{self._asked}"

        def ask(limit: timedelta | None) -> U:
            asking = self._client.update(run.id, update, value, id=name, timeout=limit)
            return self._runner.run(asking)

        with contextlib.suppress(TimeoutError):  # the request stays
            return ask(timedelta(milliseconds=1))
        for _ in range(_MAX_STEPS):
            self._settle()
            detail = self._runner.run(self._newest(run.id))
            if detail.summary.closed_at is not None or self._is_answered(run.id, name):
                return ask(None)
            self._move_on(SimRun(detail.summary.id, run.handle), detail, f"done with {update.name}")
        raise SimStuckError(f"Run {run.id} did not answer {update.name} in {_MAX_STEPS:,} steps.")

    async def _newest(self, run_id: str) -> RunDetail:
        detail = await self._client.describe(run_id)
        while detail.continued_to is not None:
            detail = await self._client.describe(detail.continued_to)
        return detail

    def _is_answered(self, run_id: str, update_id: str) -> bool:
        following: str | None = run_id
        while following is not None:
            detail = self._runner.run(self._client.describe(following))
            commands = (c for turn in detail.history.committed for c in turn.commands or ())
            replies = (c for c in commands if isinstance(c, AnswerUpdate | RefuseUpdate))
            if any(reply.update == update_id for reply in replies):
                return True
            following = detail.continued_to
        return False

    def query(self, run: SimRun[Any], key: str, *, type: Any = Any) -> Any:  # noqa: A002 - the word for it
        """Return what the run has published under a key, once it has done what is due now."""
        self._settle()
        return self._runner.run(self._client.query(run.id, key, type=type))

    def result(self, run: SimRun[R]) -> R:
        """Go on until the run ends, with all that continue it, and return the result or raise how it ended."""
        last: str | None = run.id
        while last is not None:
            self.run_until(SimRun(last, run.handle), Family.CLOSED.value)
            last = self._runner.run(self._client.describe(last)).continued_to
        return self._runner.run(run.handle.result())

    def cancel(self, run: SimRun[Any], *, reason: str = "") -> None:
        """Ask the run to cancel itself."""
        self._runner.run(self._client.cancel(run.id, reason=reason))

    def terminate(self, run: SimRun[Any], *, reason: str = "", compensate: bool = True) -> None:
        """End the run from outside; its compensations are carried out as the simulation goes on."""
        self._runner.run(self._client.terminate(run.id, reason=reason, compensate=compensate))

    def pause(self, run: SimRun[Any], *, by: str = "tester", reason: str = "") -> None:
        """Let nothing further of the run be done until it is resumed."""
        self._runner.run(self._client.pause(run.id, by=by, reason=reason))

    def resume(self, run: SimRun[Any]) -> None:
        """Let the paused run go on."""
        self._runner.run(self._client.resume(run.id))

    def fork(
        self,
        run: SimRun[R],
        *,
        at: int,
        id: str | None = None,  # noqa: A002 - the field's word
        keys: Literal["keep", "new"] = "keep",
        signals: bool = True,
    ) -> SimRun[R]:
        """Start a run from the first turns of another."""
        made = self._runner.run(run.handle.fork(at=at, id=id, keys=keys, signals=signals))
        return SimRun(made.id, made)

    # Looking

    def describe(self, run: SimRun[Any]) -> RunDetail:
        """Return everything that is known about the run."""
        return self._runner.run(self._client.describe(run.id))

    def history(self, run: SimRun[Any]) -> History:
        """Return what happened in the run."""
        return self._runner.run(self._client.history(run.id))

    # Inside

    def _settle(self) -> None:
        self._runner.run(self._working().run_until_idle())
        if self._missing:
            names = ", ".join(dict.fromkeys(self._missing))
            self._missing.clear()
            raise NotFakedError(
                f"The workflow called {names}, which has no fake. Use sim.fake({names.split(',')[0]}).returns(…), "
                "or sim.real(…) to run the real function."
            )

    def _next_due(self) -> int | None:
        return self._runner.run(self._working().next_due())

    def _look_between(self, run: SimRun[Any], detail: RunDetail, wanted: str) -> Verdict | None:
        """Return how a question is judged shortly before and after its deadline, when nothing happens until then."""
        asked = next((a for a in detail.evidence.approvals if a.due_at is not None), None)
        due = self._next_due()
        if wanted not in _BY_TIME_ALONE or asked is None or asked.due_at is None or due is None:
            return None
        window = asked.due_at - asked.opened_at
        soon = asked.due_at - round(window * Thresholds().due_soon) + 1
        moment = soon if wanted == "human.due_soon" else asked.due_at + 1
        if due < min(moment, asked.due_at):
            return None
        self.clock.advance_to(max(moment, self.clock.now_ms))
        return self.describe(run).summary.verdict

    def _move_on(self, run: SimRun[Any], detail: RunDetail, wanted: str) -> None:
        verdict = detail.summary.verdict
        if verdict.family is Family.CLOSED:
            raise SimStuckError(f"Run {run.id} ended before it became {wanted!r}: {verdict.why}")
        due = self._next_due()
        if due is None:
            raise SimStuckError(
                f"Run {run.id} will not become {wanted!r}: nothing is due, and it is {verdict.code}: {verdict.why}"
            )
        if due <= self.clock.now_ms:  # due, and not done: nobody here can carry it out
            names = sorted(
                {
                    activity.name
                    for activity in detail.evidence.activities
                    if activity.state == "ready"
                }
            )
            raise NotFakedError(
                f"The workflow called {', '.join(names) or 'something'}, which the simulation does not know. "
                "Use sim.fake(…).returns(…), or sim.real(…) to run the real function."
            )
        self.clock.advance_to(due)

    def _working(self) -> Worker:
        if self._worker is None:
            workflows = _with_children(self._workflows)
            found = _activities_of(workflows.values()) | self._known
            self._worker = Worker(
                self._client,
                workflows=list(workflows.values()),
                activities=[self._stand_in(activity) for activity in found.values()],
            )
        return self._worker

    def _stand_in(self, activity: Activity[..., Any]) -> Activity[..., Any]:
        fake = self._fakes.get(activity.name)
        if fake is not None:
            return replaced(activity, fake.answer, fake.probe)
        return activity if activity.name in self._real else refusing(activity, self._missing)


def _refuse_drift(detail: RunDetail) -> None:
    """Raise when replay asked for other content: within a simulation the code is always the same."""
    if detail.drifts:
        first = detail.drifts[0]
        raise SimStuckError(
            f"Replay of run {detail.summary.id} did not ask for the same again: {first['code']} at {first['site']}, "
            f"{first['name']} has another value in {first['field']!r}. The code is the same, so something in it is not "
            "repeatable: look for a clock, a random number, a set, or the order of an unordered collection."
        )


def _with_children(started: Mapping[str, Workflow[Any, Any]]) -> dict[str, Workflow[Any, Any]]:
    """Return workflows with those that they may start as children or continue as: what their modules mention."""
    found = dict(started)
    todo = list(started.values())
    while todo:
        for name, workflow in _mentioned(todo.pop(), Workflow).items():
            if name not in found:
                found[name] = workflow
                todo.append(workflow)
    return found


def _activities_of(workflows: Iterable[Workflow[Any, Any]]) -> dict[str, Activity[..., Any]]:
    """Return the activities that the modules of the workflows mention."""
    found: dict[str, Activity[..., Any]] = {}
    for workflow in workflows:
        found |= _mentioned(workflow, Activity)
    return found


def _mentioned(workflow: Workflow[Any, Any], kind: type[K]) -> dict[str, K]:
    """Return what the module of a workflow mentions of one kind, directly or as `module.name`."""
    scope = workflow.fn.__globals__
    modules = [vars(value) for value in scope.values() if isinstance(value, ModuleType)]
    closure = {str(i): cell.cell_contents for i, cell in enumerate(workflow.fn.__closure__ or ())}
    found: dict[str, K] = {}
    for names in (scope, closure, *modules):
        for value in list(names.values()):
            if isinstance(value, kind):
                found[value.name] = value  # type: ignore[attr-defined]  # workflows and activities have names
    return found
