"""The words of health: families, codes, items and verdicts. `holdfast.health` is their public name."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Family(StrEnum):
    """Name the class of a verdict, in the order in which they are shown."""

    STUCK = "stuck"
    PERSON = "person"
    RETRYING = "retrying"
    WAITING = "waiting"
    WORKING = "working"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Describe one public health code; `rank` orders by badness."""

    code: str
    family: Family
    rank: int
    label: str


POISON = 3
"""How many claims in a row may end with their worker before no worker takes the work any more."""

LOST = "WorkerLost"  # the error type of an attempt whose worker vanished

CODES: dict[str, Code] = {
    code: Code(code=code, family=family, rank=rank, label=label)
    for code, family, rank, label in (
        ("work.activity", Family.WORKING, 10, "Working"),
        ("work.running", Family.WORKING, 11, "Working"),
        ("work.ready", Family.WORKING, 12, "Ready"),
        ("wait.delayed_start", Family.WAITING, 19, "Starts later"),
        ("wait.timer", Family.WAITING, 20, "Sleeping"),
        ("wait.signal", Family.WAITING, 21, "Awaits a signal"),
        ("wait.update", Family.WAITING, 21, "Awaits an update"),
        ("wait.child", Family.WAITING, 22, "Awaits a child"),
        ("wait.condition", Family.WAITING, 23, "Awaits a condition"),
        ("wait.concurrency", Family.WAITING, 24, "Awaits a slot"),
        ("wait.rate_limit", Family.WAITING, 25, "Rate limited"),
        ("retry.activity", Family.RETRYING, 40, "Retrying"),
        ("retry.task", Family.RETRYING, 41, "Retrying"),
        ("late.backlog", Family.WORKING, 45, "Backlog"),
        ("human.waiting", Family.PERSON, 50, "Needs a person"),
        ("human.due_soon", Family.PERSON, 51, "Due soon"),
        ("human.overdue", Family.PERSON, 52, "Overdue"),
        ("human.attention", Family.PERSON, 53, "Outcome unknown"),
        ("human.queue_paused", Family.PERSON, 59, "Queue paused"),
        ("human.paused", Family.PERSON, 60, "Paused"),
        ("stuck.unknown_workflow", Family.STUCK, 79, "Unknown workflow"),
        ("stuck.unsatisfiable", Family.STUCK, 81, "Never continues"),
        ("stuck.ask_undelivered", Family.STUCK, 83, "Nobody told"),
        ("stuck.nobody_asked", Family.STUCK, 84, "Nobody asked"),
        ("stuck.child_missing", Family.STUCK, 87, "Child missing"),
        ("stuck.same_error", Family.STUCK, 85, "Failing repeatedly"),
        ("stuck.timer_overdue", Family.STUCK, 89, "Timer overdue"),
        ("stuck.unknown_activity", Family.STUCK, 91, "Unknown activity"),
        ("stuck.no_worker", Family.STUCK, 93, "No worker"),
        ("stuck.loop_blocked", Family.STUCK, 94, "Loop blocked"),
        ("stuck.lease_lost", Family.STUCK, 95, "Worker lost"),
        ("stuck.workflow_bug", Family.STUCK, 96, "Workflow bug"),
        ("stuck.poison_task", Family.STUCK, 97, "Kills workers"),
        ("stuck.poison_payload", Family.STUCK, 98, "Unreadable payload"),
        ("stuck.nondeterminism", Family.STUCK, 99, "Code changed"),
        ("stuck.no_mover", Family.STUCK, 100, "Nothing moves it"),
        ("closed.completed", Family.CLOSED, 0, "Completed"),
        ("closed.failed", Family.CLOSED, 0, "Failed"),
        ("closed.cancelled", Family.CLOSED, 0, "Cancelled"),
        ("closed.terminated", Family.CLOSED, 0, "Terminated"),
        ("closed.timed_out", Family.CLOSED, 0, "Timed out"),
        ("closed.continued", Family.CLOSED, 0, "Continued"),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Hold the times, in milliseconds, and counts by which evidence is judged."""

    grace: int = 10_000
    worker_dead: int = 30_000
    loop_stale: int = 15_000
    late: int = 30_000
    poison_epochs: int = POISON
    same_error: int = 10
    same_error_for: int = 3_600_000
    due_soon: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Name one committed row and the columns that a verdict rests on."""

    table: str
    key: str
    columns: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Judge one thing that a run waits for. `next` says what happens if nobody acts; `next_at` when, if known."""

    code: str
    seq: int
    since: int
    why: str
    next: str
    evidence: tuple[Evidence, ...]
    site: str = ""
    next_at: int | None = None
    actions: tuple[str, ...] = ()

    @property
    def family(self) -> Family:
        """Return the class of this item."""
        return CODES[self.code].family

    @property
    def label(self) -> str:
        """Return the words of the badge."""
        return CODES[self.code].label


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Judge a run: its worst item, and the others."""

    worst: Item
    items: tuple[Item, ...] = field(default=())

    @property
    def code(self) -> str:
        """Return the code of the worst item."""
        return self.worst.code

    @property
    def family(self) -> Family:
        """Return the class of the worst item."""
        return self.worst.family

    @property
    def label(self) -> str:
        """Return the words of the badge."""
        return self.worst.label

    @property
    def why(self) -> str:
        """Return one line that says why the run is in this state."""
        moving = [item for item in self.items if item.family is not Family.STUCK]
        if (
            self.family is Family.STUCK
            and moving
            and not self.worst.code.startswith("stuck.no_mover")
        ):
            return f"{self.worst.why} ({len(moving)} of {len(self.items)} items still move.)"
        return self.worst.why
