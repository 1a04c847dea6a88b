"""Whether a run moves, waits, or is stuck, decided from committed rows alone.

Everything an open run waits for must have a *mover*: a row that names what moves it next. An item whose mover is
valid is never stuck, whatever its age; an item without one is stuck, whatever its age. The verdict on a run is that
on its worst item. `CODES` is the public list: name, family, rank (higher is worse) and label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from holdfast._health_words import (
    ENDINGS,
    closed,
    difference,
    discard,
    sentence,
    soon,
    span,
    when_due,
    worker_state,
    workers_in_words,
)
from holdfast._verdicts import (
    CODES,
    LOST,
    POISON,
    Code,
    Evidence,
    Family,
    Item,
    Thresholds,
    Verdict,
)
from holdfast.evidence import (
    ActivityEvidence,
    ApprovalEvidence,
    Hold,
    RunEvidence,
    WaitEvidence,
    WorkerEvidence,
)

__all__ = [
    "CODES",
    "LOST",
    "POISON",
    "Code",
    "Evidence",
    "Family",
    "Item",
    "Thresholds",
    "Verdict",
    "health",
    "span",
    "worker_state",
    "workers_in_words",
]


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
        ended = closed(run)
        return Verdict(worst=ended, items=(ended,))
    view = _View(run=run, workers=tuple(workers), now=now, limits=limits)
    if run.ending is not None:
        items = view.undoing()
    elif run.paused_at is not None:
        items = [view.paused(run.paused_at), *view.approvals()]
    else:
        found = [view.task(), *view.activities(), *view.waits(), *view.approvals()]
        items = [item for item in found if item is not None]
    if not items:
        items = [view.no_mover()]
    ordered = tuple(sorted(items, key=lambda item: (-CODES[item.code].rank, item.seq)))
    return Verdict(worst=ordered[0], items=ordered)


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
        remedy = discard(run.id, error)
        match run.error_kind:
            case "nondeterminism":
                code = "stuck.nondeterminism"
                why = f"{difference(error)} The run is blocked{builds}; nothing is lost."
            case "decode" if "sealed" in error:
                return self._sealed(error)
            case "decode":
                code = "stuck.poison_payload"
                why = str(error.get("detail") or error.get("message", "It cannot be decoded."))
            case _:
                code = "stuck.workflow_bug"
                why = (
                    f"{error.get('type', 'An error')}: {error.get('message', '')} at {error.get('site') or 'unknown'}, "
                    f"{run.failures} times{builds}. Held so that a fix can continue it."
                )
        last = " Or this message is discarded." if remedy else ""
        return self._item(
            code, why, since=run.error_at or run.progress_at, site=str(error.get("site", "")),
            next=f"Stays as it is until a worker with other code comes; then it continues by itself.{last}",
            evidence=self._run_row("task_state", "error_kind", "error_code", "failures"),
            actions=(*remedy, "Deploy corrected code", "Export the history", "Cancel", "Terminate"),
        )  # fmt: skip

    def _sealed(self, error: Mapping[str, Any]) -> Item:
        run, key, place = self.run, error["sealed"], error.get("site")
        needed = f"key {key}" if key else "the codecs and keys that wrote it"
        why = f"{sentence(error)} No worker on queue {run.queue!r} that could read it has come yet."
        if key:
            why = (
                f"The payload in {place} is encrypted with key {key}, which the worker that took the run does not have. "
                "Nothing is lost."
            )
        return self._item(
            "stuck.poison_payload", why, since=run.error_at or run.progress_at, site=str(place),
            next=f"Stays as it is until a worker that has {needed} comes; then it continues by itself.",
            evidence=self._run_row("task_state", "error_kind", "error_code", "failures"),
            actions=(f"Start a worker that has {needed} in HOLDFAST_KEYS", "Cancel", "Terminate"),
        )  # fmt: skip

    def _leased(self) -> Item:
        run = self.run
        row = self._run_row(
            "task_state", "lease_owner", "lease_until", "lease_epoch", "progress_epoch"
        )
        claims, until = run.lease_epoch - run.progress_epoch, run.lease_until or 0
        if claims >= self.limits.poison_epochs and until < self.now:
            return self._item(
                "stuck.poison_task",
                f"{claims} workers in a row vanished while they advanced this run, the last was {run.lease_owner}. No worker takes it any more.",
                since=until, next="Nothing, until a person lets it be tried again.", evidence=row,
                actions=("Look at what the workers died of", f"holdfast retry {run.id}", "Terminate"),
            )  # fmt: skip
        held = self._held_by(run.lease_owner, run.lease_until or 0, row)
        if held is not None:
            return held
        return self._item(
            "work.running", f"Being advanced by worker {run.lease_owner}.", since=run.task_visible_at,
            next="The turn is committed.", evidence=row, next_at=run.lease_until,
        )  # fmt: skip

    def _held_by(
        self,
        owner: str | None,
        until: int,
        row: tuple[Evidence, ...],
        *,
        seq: int = 0,
        site: str = "",
    ) -> Item | None:
        if until < self.now - self.limits.grace:
            why = f"Worker {owner} stopped {span(self.now - until)} ago holding this, and no worker has taken it back."
            return self._item(
                "stuck.lease_lost", why, since=until, next="Nothing, until a worker for this queue is started.",
                evidence=row, seq=seq, site=site, actions=("Start a worker",),
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
                seq=seq, site=site, evidence=(*row, self._worker_row(worker)), actions=("Restart the worker", "Lint rule HF305"),
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
                "retry.task", f"Workflow code raised {error.get('type')}: {sentence(error)} The run has not failed.",
                since=run.error_at or run.progress_at, next="The turn is tried again.", next_at=run.task_visible_at,
                evidence=row, site=str(error.get("site", "")),
            )  # fmt: skip
        knows = any(run.workflow in worker.workflows for worker in self._live(run.queue))
        held = self._held(run.hold, run.task_visible_at, knows=knows, row=row)
        return held or self._due(run.task_visible_at, run.queue, knows=knows, row=row) or self._item(
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
                (w for w in self.workers if queue in w.queues),
                key=lambda w: w.seen_at,
                default=None,
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

    def _held(
        self,
        hold: Hold | None,
        since: int,
        *,
        knows: bool,
        row: tuple[Evidence, ...],
        seq: int = 0,
        site: str = "",
    ) -> Item | None:
        """Judge due work that a limit keeps from beginning, if a worker would take it else."""
        if hold is None or not (knows or hold.kind == "paused"):
            return None
        limit = hold.limit
        columns = {"allowed": hold.allowed, "used": hold.used, "holders": hold.holders}
        if hold.kind == "paused":
            reason = f": {hold.reason}" if hold.reason else ""
            return self._item(
                "human.queue_paused", f"The {limit} was paused by {hold.by} {span(self.now - (hold.since or 0))} ago{reason}.",
                since=hold.since or since, seq=seq, site=site, next="Nothing, until a person resumes the queue.",
                evidence=(*row, Evidence(table="queue", key=limit, columns={"paused_at": hold.since, "paused_by": hold.by})),
                actions=(f"holdfast queue resume {limit.removeprefix('queue ')}",),
            )  # fmt: skip
        if hold.kind == "rate":
            free_at = hold.free_at or self.now
            return self._item(
                "wait.rate_limit", f"The rate of {limit}, {hold.allowed}, lets the next one start in {soon(free_at - self.now)}.",
                since=since, seq=seq, site=site, evidence=(*row, Evidence(table="limit", key=limit, columns=columns)),
                next="It starts, or one that is before it.", next_at=free_at, actions=("Raise the limit",),
            )  # fmt: skip
        by = f", held by {', '.join(hold.holders)}" if hold.holders else ""
        return self._item(
            "wait.concurrency", f"Waits for a place under the limit of {limit}: {hold.used} of {hold.allowed} run{by}.",
            since=since, seq=seq, site=site, evidence=(*row, Evidence(table="limit", key=limit, columns=columns)),
            next="A place gets free when one of those ends.", actions=("Raise the limit",),
        )  # fmt: skip

    def paused(self, since: int) -> Item:
        run, waiting = self.run, self.run.inbound_count - self.run.done_turn
        reason = f": {run.pause_reason}" if run.pause_reason else ""
        events = (
            f" {waiting} event{'' if waiting == 1 else 's'} wait to be applied." if waiting else ""
        )
        return self._item(
            "human.paused", f"Paused by {run.paused_by} {span(self.now - since)} ago{reason}.{events}", since=since,
            next="Nothing, until a person resumes it.", evidence=self._run_row("paused_at", "paused_by", "pause_reason"),
            actions=(f"holdfast resume {run.id}",),
        )  # fmt: skip

    def undoing(self) -> list[Item]:
        """Judge a run that is being ended by the activity that undoes one of its steps."""
        head = (
            f"The run is being {ENDINGS.get(self.run.ending or '', 'ended')}; undoing its steps. "
        )
        return [
            replace(
                item, why=head + item.why, actions=("holdfast terminate --without-compensation",)
            )
            for item in self.activities()
        ]

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
                return self._held_by(
                    a.lease_owner, a.lease_until or 0, row, seq=a.seq, site=a.site
                ) or self._running(a, row)
            case "backoff":
                return self._backoff(a, row)
            case "attention":
                return self._attention(a)
        knows = any(a.name in worker.activities for worker in self._live(a.queue))
        held = self._held(a.hold, a.visible_at, knows=knows, row=row, seq=a.seq, site=a.site)
        return held or self._due(a.visible_at, a.queue, knows=knows, row=row, seq=a.seq, site=a.site) or self._item(
            "stuck.unknown_activity", f"No worker on queue {a.queue!r} knows the activity {a.name!r}.",
            since=a.visible_at, seq=a.seq, site=a.site, evidence=row,
            next="Nothing, until a worker that knows it is started.", actions=("Start a worker with this activity",),
        )  # fmt: skip

    def _poison(self, a: ActivityEvidence) -> Item | None:
        if a.error_type != LOST or a.same_error < self.limits.poison_epochs:
            return None
        release = f"holdfast resolve {self.run.id} {a.seq} --happened RESULT"
        return self._item(
            "stuck.poison_task",
            f"{a.same_error} attempts of {a.name} (#{a.seq}) in a row ended with their worker. No worker takes it any more.",
            since=a.error_at or a.scheduled_at, seq=a.seq, site=a.site,
            evidence=(self._row("activity", a, ("state", "attempt", "error_type", "same_error", "error_at")),),
            next="Nothing, until a person lets it be tried again or says how it ended.",
            actions=("Look at what the workers died of", f"holdfast retry {self.run.id}", release, "--fail REASON", "Cancel the run"),
        )  # fmt: skip

    def _running(self, a: ActivityEvidence, row: tuple[Evidence, ...]) -> Item:
        beat = (
            f", last heartbeat {span(self.now - a.beat_at)} ago: {a.beat}"
            if a.beat_at is not None
            else ""
        )
        running = span(self.now - (a.started_at or self.now))
        if a.probe:
            return self._item(
                "work.activity", f"Worker {a.lease_owner} is finding out whether attempt {a.attempt} of {a.name} had its effect.",
                since=a.started_at or a.scheduled_at, seq=a.seq, site=a.site, evidence=row, next="Its answer is recorded.",
            )  # fmt: skip
        return self._item(
            "work.activity", f"{a.name} attempt {a.attempt} on {a.lease_owner}, running {running}{beat}.",
            since=a.started_at or a.scheduled_at, seq=a.seq, site=a.site, evidence=row,
            next="Its result is recorded.", next_at=None,
        )  # fmt: skip

    def _attention(self, a: ActivityEvidence) -> Item:
        poison = self._poison(a)
        if poison is not None:
            return poison
        error = f"{a.error_type}: {(a.error_message or '').rstrip('.')}"
        row = self._row("activity", a, ("state", "effect", "attempt", "error_type", "error_at"))
        return self._item(
            "human.attention",
            f"Nobody knows whether attempt {a.attempt} of {a.name} (#{a.seq}) had its effect: {error}.",
            since=a.error_at or a.scheduled_at, seq=a.seq, site=a.site, evidence=(row,),
            next="Nothing: it waits until a person says what happened.",
            actions=(
                f"holdfast resolve {self.run.id} {a.seq} --happened RESULT", "--retry", "--fail REASON", "Cancel the run",
            ),
        )  # fmt: skip

    def _backoff(self, a: ActivityEvidence, row: tuple[Evidence, ...]) -> Item:
        knows = any(a.name in worker.activities for worker in self._live(a.queue))
        held = self._held(a.hold, a.visible_at, knows=knows, row=row, seq=a.seq, site=a.site)
        if held is not None:
            return held
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
            due = self._due(a.visible_at, a.queue, knows=knows, row=row, seq=a.seq, site=a.site)
            if due is not None:
                return due
        left = "no limit" if a.max_attempts is None else f"{a.max_attempts - a.attempt} left"
        soon = "now" if a.visible_at <= self.now else f"in {span(a.visible_at - self.now)}"
        if a.probe:
            return self._item(
                "retry.activity", f"Attempt {a.attempt} of {a.name} ended by {error}; its probe is asked {soon} whether it happened.",
                since=a.error_at or a.visible_at, seq=a.seq, site=a.site, evidence=row, next="Its probe is asked.",
                next_at=a.visible_at, actions=("Cancel the run",),
            )  # fmt: skip
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
        row = (self._row("wait", w, ("kind", "opened_at", "fire_at", "due_at")),)
        match w.kind:
            case "condition":
                return self._condition(w, row)
            case "child":
                return self._child(w, row)
            case "signal":
                return self._outside(w, row, "wait.signal", "signal", "Send the signal")
            case "update":
                return self._outside(w, row, "wait.update", "update", "Send the update")
            case _:
                return self._timer(w, row)

    def _timer(self, w: WaitEvidence, row: tuple[Evidence, ...]) -> Item:
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

    def _outside(
        self, w: WaitEvidence, row: tuple[Evidence, ...], code: str, word: str, action: str
    ) -> Item:
        limit = "" if w.due_at is None else f"; gives up in {span(max(0, w.due_at - self.now))}"
        why = f"Waits for the {word} {w.name!r} for {span(self.now - w.opened_at)}{limit}."
        return self._item(
            code, why, since=w.opened_at, seq=w.seq, site=w.site, evidence=row, next_at=w.due_at,
            next=f"Somebody sends the {word}." if w.due_at is None else "Its time is up.", actions=(action,),
        )  # fmt: skip

    def _child(self, w: WaitEvidence, row: tuple[Evidence, ...]) -> Item:
        """Take the verdict of the child when that is what holds the run; else the run just waits for it."""
        child = self.run.children.get(w.name)
        if child is None:
            return self._item(
                "stuck.child_missing", f"Waits for the child {w.name!r}, which is not in this database.",
                since=w.opened_at, seq=w.seq, site=w.site, evidence=row, next="Nothing, ever.",
                actions=("Terminate",),
            )  # fmt: skip
        leaf = health(child, self.workers, self.now, limits=self.limits).worst
        held = leaf.family in {Family.STUCK, Family.PERSON, Family.RETRYING}
        return self._item(
            leaf.code if held else "wait.child", f"Waits for its child {w.name!r}: {leaf.why}", since=w.opened_at,
            seq=w.seq, site=w.site, evidence=(*row, *leaf.evidence), next=leaf.next, next_at=leaf.next_at,
            actions=(f"Open {w.name}",),
        )  # fmt: skip

    def _condition(self, w: WaitEvidence, row: tuple[Evidence, ...]) -> Item:
        if self.run.task_state in {"ready", "leased"}:
            return self._item(
                "work.ready", "An event that may change the condition is about to be applied.", since=w.opened_at,
                seq=w.seq, site=w.site, evidence=row, next="The event is applied.",
            )  # fmt: skip
        movers = [wait for wait in self.run.waits if wait.kind != "condition"]
        limit = "" if w.due_at is None else f"; gives up in {span(max(0, w.due_at - self.now))}"
        if w.due_at is not None or movers or self.run.activities or self.run.approvals:
            return self._item(
                "wait.condition", f"Waits until {w.name or 'a condition holds'}{limit}.", since=w.opened_at, seq=w.seq,
                site=w.site, evidence=row, next="Another of its items changes it.", next_at=w.due_at,
            )  # fmt: skip
        what = f"until {w.name}:" if w.name else "for something"
        return self._item(
            "stuck.unsatisfiable",
            f"Waits {what} that nothing can change: no activity, timer, signal, update, child or approval is pending.",
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
                site=a.site, evidence=row, next=when_due(a, self.now), next_at=a.due_at, actions=("Decide",),
            )  # fmt: skip
        asked = (
            f"“{a.ask}” asked of {', '.join(a.to)} {span(self.now - a.opened_at)} ago{a.progress}"
        )
        if a.delivered_at is None and a.undelivered is not None:
            return self._item(
                "stuck.ask_undelivered", f"{asked}, but nobody has been told: {a.undelivered}.", since=a.opened_at,
                seq=a.seq, site=a.site, evidence=row, next=when_due(a, self.now), next_at=a.due_at,
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
            code, why, since=a.opened_at, seq=a.seq, site=a.site, evidence=row, next=when_due(a, self.now),
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
        return worker_state(worker, self.now, limits=self.limits) in {"live", "blocked"}

    def _live(self, queue: str) -> list[WorkerEvidence]:
        return [worker for worker in self.workers if queue in worker.queues and self._alive(worker)]

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
