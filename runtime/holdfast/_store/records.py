"""The values that verbs take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.history import Json
from holdfast.runs import PRIORITY


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """Hold what starts a run; `digest` tells the same request from another with the same id."""

    id: str
    workflow: str
    entry: str
    queue: str
    seed: str
    flags: int
    python: str
    code: str
    digest: str
    args: list[Json]
    start_at: int | None = None
    attributes: Mapping[str, Json] = field(default_factory=dict)
    parent: str | None = None
    previous: str | None = None
    first_run: str | None = None
    lineage: str | None = None
    retry_budget: int | None = None
    timeout_ms: int | None = None
    accepts: Mapping[str, Json] = field(default_factory=dict)
    priority: int = PRIORITY
    schedule: str | None = None
    scheduled_for: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """Hold what makes a schedule; `digest` tells the same request from another with the same id."""

    id: str
    workflow: str
    entry: str
    queue: str
    args: list[Json]
    attributes: Mapping[str, Json]
    accepts: Mapping[str, Json]
    digest: str
    spec: bytes
    overlap: str
    catch_up_ms: int
    jitter_ms: int
    start_at: int | None
    end_at: int | None
    max_runs: int | None
    pause_on_failure: bool
    timeout_ms: int | None
    retry_budget: int | None
    priority: int
    paused_by: str | None = None
    pause_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClaim:
    """Hold a lease on a run: the right to commit its next turns under this epoch.

    `active_patches` are those that all code known to its queue can continue; None when there is only one code.
    """

    run_id: str
    workflow: str
    epoch: int
    done_turn: int
    failures: int
    error_signature: str | None
    active_patches: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityClaim:
    """Hold a lease on an activity: the right to record the outcome of this attempt.

    With `probe` the outcome of attempt `attempt` is unknown, and the claim is for finding it out. `details` are those
    of the last heartbeat of any attempt, `started_at` is the time of the claim by the database's clock.
    """

    run_id: str
    seq: int
    name: str
    epoch: int
    attempt: int
    args: list[Json]
    options: dict[str, Any]
    key: str
    probe: bool
    details: Json
    started_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Hold a sign of life of an attempt; `details` None keeps those of the sign before."""

    details: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Describe why a workflow task could not be advanced; `blocks` when no retry can help."""

    kind: str
    error: dict[str, Json]
    signature: str
    code: str
    blocks: bool
    retry_in_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Name the leases that a heartbeat found to be gone."""

    runs: frozenset[tuple[str, int]]
    activities: frozenset[tuple[str, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """Hold the answer of one person to an approval; `saw` is the digest of what was shown, or its beginning."""

    answer: Json
    by: str
    comment: str
    saw: str
