"""Start runs, read them, decide approvals, cancel: what programs do with workflows from outside."""

import asyncio
import hashlib
import os
import platform
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from holdfast._core.driver import FLAGS
from holdfast._registry import import_entry
from holdfast._store import events, reading, runs
from holdfast._store.database import Database, Tx, database_url
from holdfast._store.records import NewRun
from holdfast.clock import VirtualClock
from holdfast.codec import PAYLOAD_LIMIT, check_answer
from holdfast.errors import (
    ArgumentError,
    RunCancelledError,
    RunFailedError,
    RunTerminatedError,
    UnknownWorkflowError,
)
from holdfast.evidence import RunEvidence, WorkerEvidence
from holdfast.health import Family, Verdict, health
from holdfast.history import History, canonical
from holdfast.payloads import Chain, Codec, codecs_of_environment
from holdfast.workflow import Workflow

R = TypeVar("R")
_POLL = 0.05
_MAX_ID = 200
_MAX_NAME = 200


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
    """Describe an activity of a run and its last attempt."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSummary:
    """Describe an approval; `state` is open, decided, expired or withdrawn. `schema` is that of a valid answer."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """Describe a run in full, at the time `now` of the database's clock in milliseconds.

    `same_place` counts the open runs that stop at the same difference or bug, this one included.
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


class RunHandle(Generic[R]):
    """Stand for one run."""

    def __init__(
        self, client: "Client", run_id: str, workflow: Workflow[Any, R] | None = None
    ) -> None:
        self.id = run_id
        self._client = client
        self._workflow = workflow

    def __repr__(self) -> str:
        return f"<run {self.id}>"

    async def result(self, *, timeout: timedelta | None = None) -> R:  # noqa: ASYNC109 - the same word as everywhere else
        """Wait until the run ends and return its result, decoded when the workflow's code is at hand.

        Raises `RunFailedError`, `RunCancelledError` or `RunTerminatedError`; `TimeoutError` when time is up first,
        which changes nothing for the run.
        """
        async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
            while True:
                status, name, closing = await self._client.database.read(reading.outcome, self.id)
                if status != "open":
                    return self._conclude(status, name, closing)
                await asyncio.sleep(_POLL)

    def _conclude(self, status: str, name: str, closing: Any) -> R:
        match status:
            case "completed":
                result: R = (
                    self._workflow.definition.signature.decode_result(closing)
                    if self._workflow
                    else closing
                )
                return result
            case "failed":
                text = f"Run {self.id} of {name} failed: {closing['type']}: {closing['message']}"
                raise RunFailedError(text, run_id=self.id, type=closing["type"])
            case "cancelled":
                raise RunCancelledError(f"Run {self.id} of {name} was cancelled.", run_id=self.id)
            case _:
                raise RunTerminatedError(f"Run {self.id} of {name} was terminated.", run_id=self.id)

    async def describe(self) -> RunDetail:
        """Return everything that is known about the run."""
        return await self._client.describe(self.id)

    async def history(self) -> History:
        """Return what happened in the run."""
        return await self._client.history(self.id)

    async def cancel(self, *, reason: str = "") -> None:
        """Ask the run to cancel itself; its clean-up code runs."""
        await self._client.cancel(self.id, reason=reason)

    async def terminate(self, *, reason: str = "") -> None:
        """End the run at once; none of its code runs."""
        await self._client.terminate(self.id, reason=reason)

    async def decide(self, approval: str, answer: Any, *, by: str, comment: str = "") -> None:
        """Answer an approval of the run."""
        await self._client.decide(self.id, approval, answer, by=by, comment=comment)


class Client:
    """Reach the runs of one database.

    Args:
        url: A path or `sqlite:///` URL; by default the environment's `HOLDFAST_DB`, else `holdfast.db` here.
        clock: A time that only tests move; by default the database's clock.
        codecs: What payloads pass through on their way to the database, for example `[Compress(), Encrypt(keys)]`; by
            default what the environment's `HOLDFAST_KEYS` asks for, else nothing. Every process needs the same.
        payload_limit: How many bytes of JSON one argument, result, answer or heartbeat may have.
    """

    def __init__(
        self,
        url: str | Path | None = None,
        *,
        clock: VirtualClock | None = None,
        codecs: Sequence[Codec] | None = None,
        payload_limit: int = PAYLOAD_LIMIT,
    ) -> None:
        if payload_limit < 1:
            raise ArgumentError(
                f"Client(payload_limit={payload_limit}): expected bytes, 1 or more."
            )
        self.url = database_url(url if url is not None else os.environ.get("HOLDFAST_DB"))
        self.payload_limit = payload_limit
        chain = Chain(codecs_of_environment() if codecs is None else codecs)
        self.database = Database(self.url, clock=clock, chain=chain)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()

    async def start(
        self,
        workflow: Workflow[Any, R] | str,
        *args: Any,
        id: str | None = None,  # noqa: A002 - the field's word
        queue: str = "default",
        start_at: datetime | None = None,
    ) -> RunHandle[R]:
        """Start a run, durably: once this returns it will be carried out.

        Args:
            workflow: The workflow, or its entry `module:name`.
            args: Its arguments, checked against its signature.
            id: A name for the run. Starting the same workflow with the same id and arguments again returns the same
                run; with other arguments it raises `RunExistsError`. One is made when none is given.
            queue: Which workers advance it.
            start_at: An aware time before which it does not start.
        """
        found = resolve_workflow(workflow)
        run_id = _checked_id(id, found.name)
        encoded = found.definition.signature.encode_args(args, {}, limit=self.payload_limit)
        digest = hashlib.sha256(canonical([found.name, queue, encoded]).encode()).hexdigest()
        new = NewRun(
            id=run_id, workflow=found.name, entry=found.definition.entry, queue=queue, seed=secrets.token_hex(8),
            flags=FLAGS, python=".".join(platform.python_version_tuple()[:2]), code=found.definition.fingerprint,
            digest=digest, args=encoded, start_at=None if start_at is None else _aware_ms(start_at),
        )  # fmt: skip
        await self.database.write(runs.start_run, new)
        return RunHandle(self, run_id, found)

    def get(self, run_id: str, workflow: Workflow[Any, R] | None = None) -> RunHandle[R]:
        """Return a handle on a run; with its workflow, results come back as values instead of JSON."""
        return RunHandle(self, run_id, workflow)

    async def resolve(self, given: str) -> str:
        """Return the full id of a run from it or an unambiguous beginning of it."""
        return await self.database.read(reading.resolve_run_id, given)

    async def history(self, run_id: str) -> History:
        """Return what happened in a run, events that no worker has applied yet included."""
        return await self.database.read(reading.load_history, run_id)

    async def describe(self, run_id: str) -> RunDetail:
        """Return everything that is known about a run."""
        return await self.database.read(_detail, run_id)

    async def list(
        self,
        *,
        health: str | None = None,
        workflow: str | None = None,
        prefix: str = "",
        open_only: bool = False,
        before: tuple[int, str] | None = None,
        limit: int = 50,
    ) -> list[RunSummary]:
        """Return runs, the newest first.

        Args:
            health: A family such as `stuck`, or a code such as `stuck.no_worker`.
            workflow: Only runs of the workflow with this name.
            prefix: Only runs whose id begins so.
            open_only: Only runs that have not ended.
            before: `(created_at, id)` of the last run of the page before.
            limit: How many at the most.
        """
        found: list[RunSummary] = []
        narrow = open_only or (health is not None and not health.startswith(Family.CLOSED.value))
        size = limit if health is None else max(limit, 500)
        while len(found) < limit:
            page = await self.database.read(
                _summaries,
                open_only=narrow,
                workflow=workflow,
                prefix=prefix,
                before=before,
                limit=size,
            )
            found += [
                s
                for s in page
                if health is None or health in {s.verdict.family.value, s.verdict.code}
            ]
            if len(page) < size:
                break
            before = (page[-1].created_at, page[-1].id)
        return found[:limit]

    async def health_counts(self) -> dict[Family, int]:
        """Return how many open runs there are in each health family."""
        counts: dict[Family, int] = {family: 0 for family in Family if family is not Family.CLOSED}
        for summary in await self.list(open_only=True, limit=1_000_000):
            counts[summary.verdict.family] += 1
        return counts

    async def workers(self) -> tuple[int, Sequence[WorkerEvidence]]:
        """Return the database's time in milliseconds, and the workers, the most recently seen first."""
        return await self.database.read(_workers)

    async def approvals(
        self, *, run_id: str | None = None, open_only: bool = True, limit: int = 200
    ) -> Sequence[ApprovalSummary]:
        """Return approvals, the most urgent first."""
        rows = await self.database.read(
            reading.approvals_of, run_id=run_id, open_only=open_only, limit=limit
        )
        return [ApprovalSummary(**_of(ApprovalSummary, row)) for row in rows]

    async def decide(
        self,
        run_id: str,
        approval: str,
        answer: Any,
        *,
        by: str,
        comment: str = "",
        seq: int | None = None,
    ) -> None:
        """Answer an approval; the answer is checked against its type before anything is written.

        Args:
            run_id: The run that asks.
            approval: The approval's name.
            answer: The answer, as a value of the approval's type or as its JSON.
            by: Who decides.
            comment: Why, for the record.
            seq: Which approval of that name, when a form was opened for one of several.

        Raises:
            ApprovalError: There is no such open approval, it is decided already, or the answer does not fit.
        """
        if not by.strip() or len(by) > _MAX_NAME:
            raise ArgumentError(
                f"decide(by=…) needs 1 to {_MAX_NAME} characters: the history must say who decided."
            )
        row = await self.database.read(events.find_approval, run_id, approval, seq)
        schema = self.database.chain.unpack(row.schema, "approval.schema", run_id, row.seq)
        what = f"The answer to {approval!r} of run {run_id}"
        tree = check_answer(answer, schema, what=what, limit=self.payload_limit)
        await self.database.write(
            events.decide,
            run_id,
            approval,
            answer=tree,
            by=by.strip(),
            comment=comment,
            seq=row.seq,
        )

    async def cancel(self, run_id: str, *, reason: str = "") -> None:
        """Ask a run to cancel itself; its clean-up code runs."""
        await self.database.write(runs.request_cancel, run_id, reason)

    async def retry(self, run_id: str) -> None:
        """Let a blocked run be tried again at once, by the same code if need be."""
        await self.database.write(runs.retry, run_id)

    async def terminate(self, run_id: str, *, reason: str = "") -> None:
        """End a run at once; none of its code runs."""
        await self.database.write(runs.terminate, run_id, reason)


def resolve_workflow(given: Workflow[Any, R] | str) -> Workflow[Any, R]:
    """Return the workflow that is given or named as `module:name`, or raise `UnknownWorkflowError`."""
    found = import_entry(given) if isinstance(given, str) else given
    if isinstance(found, Workflow):
        return found
    raise UnknownWorkflowError(
        f"{given!r} is not a workflow. Give a function decorated with @workflow.define, or its name as module:function."
    )


def _checked_id(given: str | None, workflow: str) -> str:
    if given is None:
        return f"{workflow}-{secrets.token_hex(5)}"
    # Ids stand in addresses: "." and ".." have a meaning of their own there.
    if (
        not given.strip(" .")
        or len(given) > _MAX_ID
        or not given.isprintable()
        or set(given) & set("/?#")
    ):
        raise ArgumentError(
            f"{given!r} cannot be a run id: expected 1 to {_MAX_ID} printable characters without / ? and #."
        )
    return given


def _aware_ms(at: datetime) -> int:
    if at.tzinfo is None:
        raise ArgumentError(
            f"start_at={at!r} has no time zone; use for example datetime.now(UTC) + timedelta(hours=1)."
        )
    return round(at.timestamp() * 1000)


def _summary(evidence: RunEvidence, workers: Sequence[WorkerEvidence], now: int) -> RunSummary:
    return RunSummary(
        id=evidence.id, workflow=evidence.workflow, queue=evidence.queue, status=evidence.status,
        created_at=evidence.created_at, closed_at=evidence.closed_at, verdict=health(evidence, workers, now),
    )  # fmt: skip


def _summaries(tx: Tx, /, **filters: Any) -> list[RunSummary]:
    now, evidence, workers = reading.list_evidence(tx, **filters)
    return [_summary(item, workers, now) for item in evidence]


def _workers(tx: Tx) -> tuple[int, list[WorkerEvidence]]:
    return reading.now(tx), reading.worker_evidence(tx)


def _detail(tx: Tx, run_id: str) -> RunDetail:
    now, evidence, workers = reading.one_evidence(tx, run_id)
    signature = reading.run_row(tx, run_id).error_signature
    return RunDetail(
        summary=_summary(evidence, workers, now),
        now=now,
        evidence=evidence,
        history=reading.load_history(tx, run_id, lenient=True),
        activities=tuple(
            AttemptSummary(**_of(AttemptSummary, row)) for row in reading.attempts_of(tx, run_id)
        ),
        approvals=tuple(
            ApprovalSummary(**_of(ApprovalSummary, row))
            for row in reading.approvals_of(tx, run_id=run_id, open_only=False, limit=1000)
        ),
        drifts=tuple(reading.drifts_of(tx, run_id)),
        patches=tuple(reading.decisions_of(tx, run_id)),
        same_place=reading.same_fault(tx, [signature]).get(signature, 0) if signature else 0,
    )


def _of(kind: type[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a row that a summary has."""
    return {field.name: row[field.name] for field in fields(kind)}
