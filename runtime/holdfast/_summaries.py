"""What is told of runs, activities and approvals, as values. `holdfast.client` is their public name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from holdfast._core.report import recorded_place
from holdfast._store import attributes as attribute_verbs
from holdfast._store import places, reading
from holdfast._store.database import Tx
from holdfast._store.rows import run_row
from holdfast.evidence import RunEvidence, WorkerEvidence
from holdfast.health import Verdict, health
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
    open runs of its workflow on both sides of the recorded line at which its code differs. `schedule` is the schedule
    that started it, for the nominal time `scheduled_for`.
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
    schedule: str | None = None
    scheduled_for: int | None = None


def _summary(evidence: RunEvidence, workers: Sequence[WorkerEvidence], now: int) -> RunSummary:
    return RunSummary(
        id=evidence.id, workflow=evidence.workflow, queue=evidence.queue, status=evidence.status,
        created_at=evidence.created_at, closed_at=evidence.closed_at, verdict=health(evidence, workers, now),
    )  # fmt: skip


def summaries_of(tx: Tx, /, **filters: Any) -> list[RunSummary]:
    """Return the runs that pass filters, the newest first."""
    now, evidence, workers = reading.list_evidence(tx, **filters)
    return [_summary(item, workers, now) for item in evidence]


def live_workers(tx: Tx) -> tuple[int, list[WorkerEvidence]]:
    """Return the database's time, and the workers."""
    return reading.now(tx), reading.worker_evidence(tx)


def detail_of(tx: Tx, run_id: str) -> RunDetail:
    """Return everything that is known about a run."""
    now, evidence, workers = reading.one_evidence(tx, run_id)
    row = run_row(tx, run_id)
    signature = row.error_signature
    return RunDetail(
        summary=_summary(evidence, workers, now),
        now=now,
        evidence=evidence,
        history=reading.load_history(tx, run_id, lenient=True),
        activities=tuple(
            AttemptSummary(**_of(AttemptSummary, row)) for row in reading.attempts_of(tx, run_id)
        ),
        approvals=tuple(approvals_of(tx, run_id=run_id, open_only=False, limit=1000)),
        drifts=tuple(reading.drifts_of(tx, run_id)),
        patches=tuple(reading.decisions_of(tx, run_id)),
        same_place=reading.same_fault(tx, [signature]).get(signature, 0) if signature else 0,
        attributes=attribute_verbs.attributes_of(tx, run_id),
        published=attribute_verbs.published_of(tx, run_id, lenient=True),
        parent=row.parent,
        previous=row.previous,
        continued_to=row.continued_to,
        children=tuple(reading.children_of(tx, run_id)),
        retry_budget=row.retry_budget,
        retries_used=row.retries_used,
        in_flight=_in_flight(tx, evidence),
        schedule=row.schedule,
        scheduled_for=row.scheduled_for,
    )


def _in_flight(tx: Tx, evidence: RunEvidence) -> InFlight | None:
    place = "" if evidence.error_kind != "nondeterminism" else recorded_place(evidence.error)
    return places.in_flight(tx, evidence.workflow, place) if place else None


def approvals_of(tx: Tx, /, **filters: Any) -> list[ApprovalSummary]:
    """Return approvals, the most urgent first."""
    rows = reading.approvals_of(tx, **filters)
    votes = reading.votes_of(tx, {row["run_id"] for row in rows})
    return [
        ApprovalSummary(
            **_of(ApprovalSummary, row)
            | {"votes": tuple(VoteSummary(**vote) for vote in votes[row["run_id"], row["seq"]])}
        )
        for row in rows
    ]


def _of(kind: type[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a row that a summary has."""
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}
