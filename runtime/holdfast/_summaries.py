"""What is told of runs, activities and approvals, as values. `holdfast.client` is their public name."""

from dataclasses import dataclass, field
from typing import Any

from holdfast.evidence import RunEvidence
from holdfast.health import Verdict
from holdfast.history import History
from holdfast.runs import InFlight


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """Describe a run in one row: what it is, how it is, and since when."""

    id: str
    workflow: str
    queue: str
    status: str
    created_at: int
    closed_at: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSummary:
    """Describe an activity of a run and its last attempt.

    `heartbeat` are its last details. `resolution` is what the person `resolved_by` decided when the outcome was unknown:
    happened, retry, or fail with the reason.
    """

    seq: int
    name: str
    queue: str
    state: str
    site: str
    attempt: int
    scheduled_at: int
    started_at: int | None
    closed_at: int | None
    lease_owner: str | None
    error_type: str | None
    error_message: str | None
    effect: str = "idempotent"
    heartbeat: Any = None
    heartbeat_at: int | None = None
    resolution: str | None = None
    resolved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSummary:
    """Describe the answer of one person; `saw` is the digest of the question as it was shown, empty if unknown."""

    by: str
    at: int
    answer: Any
    comment: str
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSummary:
    """Describe an approval; `state` is open, decided, expired or withdrawn. `schema` is that of a valid answer.

    `shows` is what the question is about, `digest` that of the question; `quorum` people must answer, and `answer`
    and `comment` are those of the only one, if one is enough. `note` says why an answer does not count.
    """

    run_id: str
    workflow: str
    seq: int
    name: str
    ask: str
    to: tuple[str, ...]
    schema: dict[str, Any]
    state: str
    opened_at: int
    due_at: int | None
    decided_at: int | None
    decided_by: str | None
    comment: str | None
    answer: Any
    shows: Any = None
    digest: str = ""
    quorum: int = 1
    votes: tuple[VoteSummary, ...] = ()
    reminders: int = 0
    reminded_at: int | None = None
    escalated_at: int | None = None
    delivered_at: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """Describe a run in full, at the time `now` of the database's clock in milliseconds.

    `same_place` counts the open runs that stop at the same difference or bug, this one included. `retries_used` counts
    the retries of all its activities, of which it may have `retry_budget`; None sets no limit. `in_flight` counts the
    open runs of its workflow on both sides of the recorded line at which its code differs.
    """

    summary: RunSummary
    now: int
    evidence: RunEvidence
    history: History
    activities: tuple[AttemptSummary, ...]
    approvals: tuple[ApprovalSummary, ...]
    drifts: tuple[dict[str, Any], ...]
    patches: tuple[dict[str, Any], ...]
    same_place: int
    attributes: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    previous: str | None = None
    continued_to: str | None = None
    children: tuple[str, ...] = ()
    retry_budget: int | None = None
    retries_used: int = 0
    in_flight: InFlight | None = None
