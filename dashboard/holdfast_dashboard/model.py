"""What the pages show, as values. Every instant is milliseconds since 1970 by the database's clock."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from holdfast.client import ApprovalSummary, AttemptSummary, RunSummary, VoteSummary
from holdfast.evidence import WorkerEvidence
from holdfast.health import Evidence, Family
from holdfast_dashboard.forms import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRuns:
    """Hold all open runs and workers at one instant."""

    now: int
    runs: tuple[RunSummary, ...]
    workers: tuple[WorkerEvidence, ...]

    def of(self, family: Family) -> list[RunSummary]:
        """Return the open runs of one family."""
        return [run for run in self.runs if run.verdict.family is family]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Show one judgement: what, since when, why, what happens next."""

    family: Family
    code: str
    label: str
    why: str
    since: int
    next: str
    next_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Show one thing that a run waits for, with the rows that prove the judgement."""

    seq: int
    verdict: Verdict
    site: str
    actions: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """Show one run in a table."""

    id: str
    url: str
    workflow: str
    queue: str
    status: str
    created_at: int
    closed_at: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Count the open runs of one family; `oldest` is the instant since which the oldest is so."""

    family: Family
    count: int
    oldest: int | None
    overdue: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Group the stuck runs of one workflow that have the same code."""

    code: str
    label: str
    workflow: str
    why: str
    since: int
    count: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Show an open approval and its form; `verdict` is missing when the run has not been judged."""

    run: str
    run_url: str
    url: str
    workflow: str
    seq: int
    name: str
    ask: str
    to: tuple[str, ...]
    opened_at: int
    due_at: int | None
    verdict: Verdict | None
    fields: tuple[Field, ...]
    shows: Any
    digest: str
    quorum: int
    votes: tuple[VoteSummary, ...]
    reminders: int
    reminded_at: int | None
    escalated_at: int | None
    delivered_at: int | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Show an activity whose outcome nobody knows, and the form in which a person says what happened.

    `state` is attention while it waits for that. `result`, `reason` and `by` are what was sent before.
    """

    run: str
    run_url: str
    url: str
    workflow: str
    seq: int
    name: str
    state: str
    why: str
    since: int
    resolution: str
    result: str = ""
    reason: str = ""
    by: str = ""
    by_error: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPage:
    """Be the content of the page of one such activity; `late` means that somebody else had said it before."""

    now: int
    unknown: Unknown
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """Show one worker; `state` is live, blocked, lost or stopped."""

    id: str
    state: str
    host: str
    pid: int
    queues: tuple[str, ...]
    workflows: tuple[str, ...]
    activities: tuple[str, ...]
    slots: int
    busy: int
    started_at: int
    seen_at: int
    stack: str | None
    version: str
    patches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """Show what waits in one queue and who serves it."""

    name: str
    live: int
    open_runs: int
    stuck: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Be the content of the overview."""

    now: int
    cards: tuple[Card, ...]
    causes: tuple[Cause, ...]
    questions: tuple[Question, ...]
    questions_left: int
    closed: tuple[RunLine, ...]
    workers_live: int
    workers_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Say which runs are asked for; `state` is open, closed or all."""

    health: str = ""
    workflow: str = ""
    prefix: str = ""
    state: str = "all"
    before: tuple[int, str] | None = None

    def url(self, **changes: Any) -> str:
        """Return the address of these runs, or of those with other filters."""
        fields = ("health", "workflow", "prefix", "state")
        values = {name: getattr(self, name) for name in fields} | {"before": ""} | changes
        if isinstance(values["before"], tuple):
            values["before"] = ",".join(map(str, values["before"]))
        kept = {name: value for name, value in values.items() if value and value != "all"}
        return f"/runs?{urlencode(kept)}" if kept else "/runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Be the content of the list of runs."""

    now: int
    filters: Filters
    runs: tuple[RunLine, ...]
    next_url: str | None
    counts: dict[Family, int]
    workflows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """Show one command in words, and the line of code that gave it."""

    seq: int
    words: str
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLine:
    """Show one turn; `commands` is missing while no worker has applied its event."""

    turn: int
    at: int
    words: str
    commands: tuple[CommandLine, ...] | None
    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Show why a run is blocked, as text; `others` is how many other runs stop at the same place."""

    text: str
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Name a run that belongs to another, and how."""

    role: str
    id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Be the content of the page of one run; the HTML leaves out the first `skipped` turns."""

    now: int
    run: RunLine
    code: str
    task: str
    actions: tuple[str, ...]
    pending: tuple[Pending, ...]
    questions: tuple[Question, ...]
    unknown: tuple[Unknown, ...]
    fault: Fault | None
    failure: dict[str, Any] | None
    arguments: list[Any]
    result: Any
    has_result: bool
    turns: tuple[TurnLine, ...]
    skipped: int
    full: bool
    activities: tuple[AttemptSummary, ...]
    decided: tuple[ApprovalSummary, ...]
    drifts: tuple[dict[str, Any], ...]
    patches: tuple[dict[str, Any], ...]
    relatives: tuple[Relative, ...]
    attributes: dict[str, Any]
    published: dict[str, Any]
    history_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Hold one approval, and how its question is shown."""

    now: int
    approval: ApprovalSummary
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Be the content of the list of questions."""

    now: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Be the content of the page of workers; `causes` are those that a worker would end."""

    now: int
    workers: tuple[WorkerLine, ...]
    queues: tuple[QueueLine, ...]
    causes: tuple[Cause, ...]


def run_url(run_id: str) -> str:
    """Return the address of a run's page."""
    return f"/runs/{quote(run_id, safe='')}"


def activity_url(run_id: str, seq: int) -> str:
    """Return the address of the form for an activity whose outcome is unknown."""
    return f"{run_url(run_id)}/activities/{seq}"


def approval_url(run_id: str, seq: int) -> str:
    """Return the address of an approval's form."""
    return f"{run_url(run_id)}/approvals/{seq}"
