"""The committed rows that a verdict on a run rests on, as values. Instants are milliseconds since 1970 UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvidence:
    """Hold the row of one worker process.

    `workflows` maps names to code fingerprints, `patches` maps them to the ids of patches that their code knows.
    """

    id: str
    host: str
    pid: int
    queues: tuple[str, ...]
    workflows: dict[str, str]
    activities: frozenset[str]
    slots: int
    busy: int
    started_at: int
    seen_at: int
    loop_seen_at: int
    stack: str | None = None
    stopped_at: int | None = None
    patches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    build: str = ""
    holdfast: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Hold the limit that keeps due work from beginning: `kind` is paused, concurrency or rate.

    `allowed` and `used` are its value and what counts against it now, `holders` some of the runs that do.
    """

    kind: str
    limit: str
    allowed: str = ""
    used: int = 0
    holders: tuple[str, ...] = ()
    free_at: int | None = None
    since: int | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEvidence:
    """Hold the row of one activity that has not ended."""

    seq: int
    name: str
    queue: str
    state: str
    site: str
    attempt: int
    max_attempts: int | None
    scheduled_at: int
    visible_at: int
    started_at: int | None
    lease_owner: str | None
    lease_until: int | None
    beat_at: int | None
    beat: Any
    error_type: str | None
    error_message: str | None
    error_at: int | None
    same_error: int
    same_error_since: int | None
    effect: str = "idempotent"
    probe: bool = False
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitEvidence:
    """Hold the row of one wait: a timer, a signal, an update, a child, or a condition.

    `due_at` is when a timer of its own ends it.
    """

    seq: int
    kind: str
    name: str
    opened_at: int
    fire_at: int | None
    site: str
    due_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvidence:
    """Hold the row of one approval that has not been decided, with how many have voted.

    `undelivered` says why nobody was told, when the activity that should have done so has failed.
    """

    seq: int
    name: str
    ask: str
    to: tuple[str, ...]
    opened_at: int
    due_at: int | None
    delivered_at: int | None
    site: str
    refused: str | None = None
    quorum: int = 1
    votes: int = 0
    reminders: int = 0
    escalated_at: int | None = None
    undelivered: str | None = None

    @property
    def progress(self) -> str:
        """Return in brackets what has happened since it was asked; empty when nothing has."""
        parts = [f"{self.votes} of {self.quorum} have answered"] if self.quorum > 1 else []
        if self.reminders:
            times = "once" if self.reminders == 1 else f"{self.reminders} times"
            parts.append(f"reminded {times}")
        if self.escalated_at is not None:
            parts.append("escalated")
        if self.delivered_at is None and self.undelivered is None:
            parts.append("the notice is on its way")
        return f" ({', '.join(parts)})" if parts else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """Hold the row of one run and those of everything it waits for, its children by their ids included."""

    id: str
    workflow: str
    queue: str
    status: str
    code: str
    created_at: int
    start_at: int
    closed_at: int | None
    progress_at: int
    done_turn: int
    inbound_count: int
    task_state: str
    task_visible_at: int
    lease_owner: str | None
    lease_until: int | None
    lease_epoch: int
    progress_epoch: int
    error_kind: str | None
    error: Any
    error_code: str | None
    error_at: int | None
    failures: int
    closing: Any = None
    paused_at: int | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    ending: str | None = None
    ending_reason: str | None = None
    forked_from: str | None = None
    forked_at: int | None = None
    hold: Hold | None = None
    activities: Sequence[ActivityEvidence] = ()
    waits: Sequence[WaitEvidence] = ()
    approvals: Sequence[ApprovalEvidence] = ()
    children: Mapping[str, "RunEvidence"] = field(default_factory=dict)
