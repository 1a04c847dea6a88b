"""Whether a run moves, waits, or is stuck, decided from committed rows alone.

Everything an open run waits for must have a *mover*: a row that names what moves it next. An item whose mover is
valid is never stuck, whatever its age; an item without one is stuck, whatever its age. The verdict on a run is that
on its worst item. `CODES` is the public list: name, family, rank (higher is worse) and label.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from holdfast.evidence import (
    ActivityEvidence,
    ApprovalEvidence,
    RunEvidence,
    WaitEvidence,
    WorkerEvidence,
)


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


LOST = "WorkerLost"  # the error type of an attempt whose worker vanished

CODES: dict[str, Code] = {
    code: Code(code=code, family=family, rank=rank, label=label)
    for code, family, rank, label in (
        ("work.activity", Family.WORKING, 10, "Working"),
        ("work.running", Family.WORKING, 11, "Working"),
        ("work.ready", Family.WORKING, 12, "Ready"),
        ("wait.delayed_start", Family.WAITING, 19, "Starts later"),
        ("wait.timer", Family.WAITING, 20, "Sleeping"),
        ("retry.activity", Family.RETRYING, 40, "Retrying"),
        ("retry.task", Family.RETRYING, 41, "Retrying"),
        ("late.backlog", Family.WORKING, 45, "Backlog"),
        ("human.waiting", Family.PERSON, 50, "Needs a person"),
        ("human.due_soon", Family.PERSON, 51, "Due soon"),
        ("human.overdue", Family.PERSON, 52, "Overdue"),
        ("stuck.unknown_workflow", Family.STUCK, 79, "Unknown workflow"),
        ("stuck.unsatisfiable", Family.STUCK, 81, "Never continues"),
        ("stuck.ask_undelivered", Family.STUCK, 83, "Nobody told"),
        ("stuck.nobody_asked", Family.STUCK, 84, "Nobody asked"),
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
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Hold the times, in milliseconds, and counts by which evidence is judged."""

    grace: int = 10_000
    worker_dead: int = 30_000
    loop_stale: int = 15_000
    late: int = 30_000
    poison_epochs: int = 3
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


def health(
    run: RunEvidence,
    workers: Sequence[WorkerEvidence],
    now: int,
    *,
    limits: Thresholds | None = None,
) -> Verdict:
    """Judge a run by its rows, those of the workers, and the database's time in milliseconds."""
    limits = limits or Thresholds()
    if run.closed_at is not None:
        closed = _closed(run)
        return Verdict(worst=closed, items=(closed,))
    view = _View(run=run, workers=tuple(workers), now=now, limits=limits)
    items = [
        item
        for item in [view.task(), *view.activities(), *view.waits(), *view.approvals()]
        if item is not None
    ]
    if not items:
        items = [view.no_mover()]
    ordered = tuple(sorted(items, key=lambda item: (-CODES[item.code].rank, item.seq)))
    return Verdict(worst=ordered[0], items=ordered)


def _closed(run: RunEvidence) -> Item:
    ended = run.closed_at or 0
    failure = run.closing if run.status == "failed" and isinstance(run.closing, dict) else None
    why = f"{run.status.capitalize()} after {span(ended - run.created_at)}."
    if failure is not None:
        why = f"Failed: {failure.get('type')}: {failure.get('message')}"
    return Item(
        code=f"closed.{run.status}", seq=0, since=ended, why=why, next="Nothing: the run has ended.",
        evidence=(Evidence(table="run", key=run.id, columns={"status": run.status, "closed_at": ended}),),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    run: RunEvidence
    workers: tuple[WorkerEvidence, ...]
    now: int
    limits: Thresholds

    # The workflow task

    def task(self) -> Item | None:
        match self.run.task_state:
            case "blocked":
                return self._blocked()
            case "leased":
                return self._leased()
            case "ready":
                return self._ready()
            case _:
                return None

    def _blocked(self) -> Item:
        run = self.run
        error = run.error if isinstance(run.error, dict) else {}
        builds = f" on code {run.error_code}" if run.error_code else ""
        match run.error_kind:
            case "nondeterminism":
                code = "stuck.nondeterminism"
                why = f"{_difference(error)} The run is blocked{builds}; nothing is lost."
            case "decode":
                code = "stuck.poison_payload"
                why = (
                    f"{error.get('detail') or error.get('message', 'A payload cannot be decoded.')}"
                )
            case _:
                code = "stuck.workflow_bug"
                why = (
                    f"{error.get('type', 'An error')}: {error.get('message', '')} at {error.get('site') or 'unknown'}, "
                    f"{run.failures} times{builds}. Held so that a fix can continue it."
                )
        return self._item(
            code, why, since=run.error_at or run.progress_at, site=str(error.get("site", "")),
            next="Stays as it is until a worker with other code comes; then it continues by itself.",
            evidence=self._run_row("task_state", "error_kind", "error_code", "failures"),
            actions=("Deploy corrected code", "Export the history", "Cancel", "Terminate"),
        )  # fmt: skip

    def _leased(self) -> Item:
        run = self.run
        row = self._run_row(
            "task_state", "lease_owner", "lease_until", "lease_epoch", "progress_epoch"
        )
        if run.lease_epoch - run.progress_epoch > self.limits.poison_epochs:
            claims = run.lease_epoch - run.progress_epoch
            return self._item(
                "stuck.poison_task", f"{claims} claims of this run ended without a result.", since=run.progress_at,
                next="Every further worker that takes it may vanish too.", evidence=row,
                actions=("Look at the workers' last stacks", "Terminate"),
            )  # fmt: skip
        held = self._held_by(run.lease_owner, run.lease_until or 0, row)
        if held is not None:
            return held
        return self._item(
            "work.running", f"Being advanced by worker {run.lease_owner}.", since=run.task_visible_at,
            next="The turn is committed.", evidence=row, next_at=run.lease_until,
        )  # fmt: skip

    def _held_by(self, owner: str | None, until: int, row: tuple[Evidence, ...]) -> Item | None:
        if until < self.now - self.limits.grace:
            why = f"Worker {owner} stopped {span(self.now - until)} ago holding this, and no worker has taken it back."
            return self._item(
                "stuck.lease_lost", why, since=until, next="Nothing, until a worker for this queue is started.",
                evidence=row, actions=("Start a worker",),
            )  # fmt: skip
        worker = next((w for w in self.workers if w.id == owner), None)
        if (
            worker is not None
            and self._alive(worker)
            and worker.loop_seen_at < self.now - self.limits.loop_stale
        ):
            place = f" at {worker.stack}" if worker.stack else ""
            why = f"Worker {owner} is alive, but its event loop has been blocked for {span(self.now - worker.loop_seen_at)}{place}."
            return self._item(
                "stuck.loop_blocked", why, since=worker.loop_seen_at, next="Nothing until the call returns.",
                evidence=(*row, self._worker_row(worker)), actions=("Restart the worker", "Lint rule HF305"),
            )  # fmt: skip
        return None

    def _ready(self) -> Item:
        run, row = self.run, self._run_row("task_state", "task_visible_at", "queue", "failures")
        if run.done_turn == 0 and run.start_at > self.now:
            return self._item(
                "wait.delayed_start", f"Starts in {span(run.start_at - self.now)}, as asked for at its start.",
                since=run.created_at, next="It starts.", next_at=run.start_at, evidence=row,
            )  # fmt: skip
        if run.failures and run.task_visible_at > self.now - self.limits.grace:
            error = run.error if isinstance(run.error, dict) else {}
            return self._item(
                "retry.task", f"Workflow code raised {error.get('type')}: {error.get('message')}. The run has not failed.",
                since=run.error_at or run.progress_at, next="The turn is tried again.", next_at=run.task_visible_at,
                evidence=row, site=str(error.get("site", "")),
            )  # fmt: skip
        knows = any(run.workflow in worker.workflows for worker in self._live(run.queue))
        return self._due(run.task_visible_at, run.queue, knows=knows, row=row) or self._item(
            "stuck.unknown_workflow", f"No worker on queue {run.queue!r} knows the workflow {run.workflow!r}.",
            since=run.task_visible_at, next="Nothing, until a worker that knows it is started.", evidence=row,
            actions=("Start a worker with this workflow",),
        )  # fmt: skip

    def _due(
        self,
        since: int,
        queue: str,
        *,
        knows: bool,
        row: tuple[Evidence, ...],
        seq: int = 0,
        site: str = "",
    ) -> Item | None:
        waited = self.now - since
        live = self._live(queue)
        if waited > self.limits.grace and not live:
            last = max(
                (w for w in self.workers if w.queue == queue), key=lambda w: w.seen_at, default=None
            )
            seen = (
                f"has had no worker for {span(self.now - last.seen_at)} (last: {last.id})"
                if last
                else "has no worker"
            )
            return self._item(
                "stuck.no_worker", f"Queue {queue!r} {seen}.", since=since, seq=seq, site=site,
                next="Nothing, until a worker for this queue is started.", evidence=row,
                actions=(f"holdfast worker MODULE --queue {queue}",),
            )  # fmt: skip
        if waited > self.limits.grace and not knows:
            return None
        if waited > self.limits.late:
            busy, slots = sum(w.busy for w in live), sum(w.slots for w in live)
            return self._item(
                "late.backlog", f"Ready for {span(waited)}; {workers_in_words(len(live))} can take it, {busy} of {slots} slots busy.",
                since=since, next="A worker takes it when a slot is free.", evidence=row, seq=seq, site=site,
                actions=("Add workers",),
            )  # fmt: skip
        return self._item(
            "work.ready", f"Ready for {span(waited)}; {workers_in_words(len(live))} on queue {queue!r}.", since=since,
            next="A worker takes it.", evidence=row, seq=seq, site=site,
        )  # fmt: skip

    # What it waits for

    def activities(self) -> list[Item]:
        return [self._activity(activity) for activity in self.run.activities]

    def _activity(self, a: ActivityEvidence) -> Item:
        columns = (
            "state",
            "attempt",
            "visible_at",
            "lease_owner",
            "lease_until",
            "error_type",
            "same_error",
        )
        row = (self._row("activity", a, columns),)
        match a.state:
            case "leased":
                return (
                    self._poison(a, row)
                    or self._held_by(a.lease_owner, a.lease_until or 0, row)
                    or self._running(a, row)
                )
            case "backoff":
                return self._backoff(a, row)
        knows = any(a.name in worker.activities for worker in self._live(a.queue))
        return self._due(a.visible_at, a.queue, knows=knows, row=row, seq=a.seq, site=a.site) or self._item(
            "stuck.unknown_activity", f"No worker on queue {a.queue!r} knows the activity {a.name!r}.",
            since=a.visible_at, seq=a.seq, site=a.site, evidence=row,
            next="Nothing, until a worker that knows it is started.", actions=("Start a worker with this activity",),
        )  # fmt: skip

    def _poison(self, a: ActivityEvidence, row: tuple[Evidence, ...]) -> Item | None:
        if a.error_type != LOST or a.same_error < self.limits.poison_epochs:
            return None
        return self._item(
            "stuck.poison_task",
            f"{a.same_error} attempts of {a.name} in a row ended with their worker; attempt {a.attempt} is on {a.lease_owner}.",
            since=a.same_error_since or a.scheduled_at, seq=a.seq, site=a.site, evidence=row,
            next="This worker may vanish too.", actions=("Look at what the workers died of", "Cancel the run"),
        )  # fmt: skip

    def _running(self, a: ActivityEvidence, row: tuple[Evidence, ...]) -> Item:
        beat = (
            f", last heartbeat {span(self.now - a.beat_at)} ago: {a.beat}"
            if a.beat_at is not None
            else ""
        )
        running = span(self.now - (a.started_at or self.now))
        return self._item(
            "work.activity", f"{a.name} attempt {a.attempt} on {a.lease_owner}, running {running}{beat}.",
            since=a.started_at or a.scheduled_at, seq=a.seq, site=a.site, evidence=row,
            next="Its result is recorded.", next_at=None,
        )  # fmt: skip

    def _backoff(self, a: ActivityEvidence, row: tuple[Evidence, ...]) -> Item:
        error = f"{a.error_type}: {(a.error_message or '').rstrip('.')}"
        if self._repeats(a):
            lasted = span(self.now - (a.same_error_since or self.now))
            return self._item(
                "stuck.same_error",
                f"{a.name} has failed {a.same_error} times in {lasted} with the same error and will retry for ever: {error}.",
                since=a.same_error_since or self.now, seq=a.seq, site=a.site, evidence=row,
                next=f"Attempt {a.attempt + 1} fails in the same way, most likely.", next_at=a.visible_at,
                actions=("Correct the cause", "Set max_attempts", "Cancel the run"),
            )  # fmt: skip
        if a.visible_at <= self.now - self.limits.grace:
            knows = any(a.name in worker.activities for worker in self._live(a.queue))
            due = self._due(a.visible_at, a.queue, knows=knows, row=row, seq=a.seq, site=a.site)
            if due is not None:
                return due
        left = "no limit" if a.max_attempts is None else f"{a.max_attempts - a.attempt} left"
        soon = "now" if a.visible_at <= self.now else f"in {span(a.visible_at - self.now)}"
        times = "once" if a.attempt == 1 else f"{a.attempt} times"
        return self._item(
            "retry.activity", f"{a.name} failed {times}, last {error}; attempt {a.attempt + 1} {soon} ({left}).",
            since=a.error_at or a.visible_at, seq=a.seq, site=a.site, evidence=row,
            next=f"Attempt {a.attempt + 1} starts.", next_at=a.visible_at, actions=("Cancel the run",),
        )  # fmt: skip

    def _repeats(self, a: ActivityEvidence) -> bool:
        return (
            a.max_attempts is None
            and a.same_error >= self.limits.same_error
            and a.same_error_since is not None
            and a.same_error_since <= self.now - self.limits.same_error_for
        )

    def waits(self) -> list[Item]:
        return [self._wait(wait) for wait in self.run.waits]

    def _wait(self, w: WaitEvidence) -> Item:
        row = (self._row("wait", w, ("kind", "opened_at", "fire_at")),)
        if w.kind == "condition":
            return self._condition(w, row)
        due = w.fire_at or 0
        if due < self.now - self.limits.grace:
            return self._item(
                "stuck.timer_overdue", f"A timer due {span(self.now - due)} ago did not fire: no worker serves this database.",
                since=due, seq=w.seq, site=w.site, evidence=row, next="It fires when a worker is started.",
                actions=("Start a worker",),
            )  # fmt: skip
        return self._item(
            "wait.timer", f"Sleeping for another {span(due - self.now)}.", since=w.opened_at, seq=w.seq, site=w.site,
            evidence=row, next="The timer fires and the run goes on.", next_at=due,
        )  # fmt: skip

    def _condition(self, w: WaitEvidence, row: tuple[Evidence, ...]) -> Item:
        if self.run.task_state in {"ready", "leased"}:
            return self._item(
                "work.ready", "An event that may change the condition is about to be applied.", since=w.opened_at,
                seq=w.seq, site=w.site, evidence=row, next="The event is applied.",
            )  # fmt: skip
        return self._item(
            "stuck.unsatisfiable",
            "Waits for something that nothing can change: no activity, timer or approval is pending.",
            since=w.opened_at, seq=w.seq, site=w.site, evidence=row, next="Nothing, ever.",
            actions=("Correct the code", "Cancel", "Terminate"),
        )  # fmt: skip

    def approvals(self) -> list[Item]:
        return [self._approval(approval) for approval in self.run.approvals]

    def _approval(self, a: ApprovalEvidence) -> Item:
        columns = ("to", "opened_at", "delivered_at", "due_at", "quorum", "votes", "reminders")
        row = (self._row("approval", a, columns),)
        if not a.to:
            return self._item(
                "stuck.nobody_asked", f"Approval {a.name!r} is addressed to nobody.", since=a.opened_at, seq=a.seq,
                site=a.site, evidence=row, next=_when_due(a, self.now), next_at=a.due_at, actions=("Decide",),
            )  # fmt: skip
        asked = (
            f"“{a.ask}” asked of {', '.join(a.to)} {span(self.now - a.opened_at)} ago{a.progress}"
        )
        if a.delivered_at is None and a.undelivered is not None:
            return self._item(
                "stuck.ask_undelivered", f"{asked}, but nobody has been told: {a.undelivered}.", since=a.opened_at,
                seq=a.seq, site=a.site, evidence=row, next=_when_due(a, self.now), next_at=a.due_at,
                actions=("Tell them", "Decide"),
            )  # fmt: skip
        if a.due_at is None:
            code, why = "human.waiting", f"{asked}; it has no deadline."
        elif a.due_at < self.now:
            code, why = "human.overdue", f"{asked}; overdue by {span(self.now - a.due_at)}."
        elif a.due_at - self.now < (a.due_at - a.opened_at) * self.limits.due_soon:
            code, why = "human.due_soon", f"{asked}, due in {span(a.due_at - self.now)}."
        else:
            code, why = "human.waiting", f"{asked}, due in {span(a.due_at - self.now)}."
        why = f"{why} {a.refused}" if a.refused else why
        return self._item(
            code, why, since=a.opened_at, seq=a.seq, site=a.site, evidence=row, next=_when_due(a, self.now),
            next_at=a.due_at, actions=("Decide",),
        )  # fmt: skip

    def no_mover(self) -> Item:
        return self._item(
            "stuck.no_mover",
            f"Nothing is recorded that could move this run (last event: turn {self.run.inbound_count}). "
            "This is a bug in holdfast or a hand-edited database.",
            since=self.run.progress_at, next="Nothing, ever.",
            evidence=self._run_row("task_state", "inbound_count", "done_turn"),
            actions=("Export the history and report it", "Terminate"),
        )  # fmt: skip

    # Rows

    def _alive(self, worker: WorkerEvidence) -> bool:
        return worker.stopped_at is None and worker.seen_at > self.now - self.limits.worker_dead

    def _live(self, queue: str) -> list[WorkerEvidence]:
        return [worker for worker in self.workers if worker.queue == queue and self._alive(worker)]

    def _run_row(self, *columns: str) -> tuple[Evidence, ...]:
        values = {column: getattr(self.run, column) for column in columns}
        return (Evidence(table="run", key=self.run.id, columns=values),)

    def _row(self, table: str, row: Any, columns: Sequence[str]) -> Evidence:
        values = {column: getattr(row, column) for column in columns}
        return Evidence(table=table, key=f"{self.run.id}, {row.seq}", columns=values)

    def _worker_row(self, worker: WorkerEvidence) -> Evidence:
        return Evidence(
            table="worker",
            key=worker.id,
            columns={"seen_at": worker.seen_at, "loop_seen_at": worker.loop_seen_at},
        )

    def _item(self, code: str, why: str, *, seq: int = 0, **rest: Any) -> Item:
        return Item(code=code, why=why, seq=seq, **rest)


def _difference(error: dict[str, Any]) -> str:
    expected = next((line for line in error.get("expected", ()) if line["differs"]), None)
    got = next((line for line in error.get("got", ()) if line["differs"]), None)
    old = f"{expected['text']} at {expected['site']}" if expected else "nothing more"
    new = f"{got['text']} at {got['site']}" if got else "nothing more"
    return f"{error.get('code', 'ND')}: turn {error.get('turn')} records {old}; the code asks for {new}."


def _when_due(approval: ApprovalEvidence, now: int) -> str:
    if approval.due_at is None:
        return "Nothing: it waits for an answer for ever."
    if approval.due_at < now:
        return "The timeout is applied as soon as a worker serves this database."
    return f"In {span(approval.due_at - now)} the timeout answers instead."


def workers_in_words(count: int) -> str:
    """Return a number of workers in words."""
    return f"{count or 'no'} worker{'' if count == 1 else 's'}"


_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def span(milliseconds: int) -> str:
    """Return a duration in words: its largest unit and the next smaller one, rounded to it."""
    seconds = max(0, milliseconds) // 1000
    for index, (unit, size) in enumerate(_UNITS[:-1]):
        smaller, smaller_size = _UNITS[index + 1]
        rounded = round(seconds / smaller_size) * smaller_size
        if rounded >= size:
            count, rest = divmod(rounded, size)
            return f"{count} {unit}" + (f" {rest // smaller_size} {smaller}" if rest else "")
    return f"{seconds} s"
