"""Start runs, read them, decide approvals, cancel: what programs do with workflows from outside."""

import asyncio
import hashlib
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from holdfast._archiving import Archived, Archiving, Retention
from holdfast._arguments import (
    NOTHING,
    check_choice,
    check_duration,
    check_kind,
    check_text,
    check_whole,
)
from holdfast._conversing import Signal, Update, checked_attributes, declared_by
from holdfast._core.driver import FLAGS
from holdfast._defining import checked_workflow, resolve_workflow
from holdfast._filters import check_filters
from holdfast._messaging import Messaging
from holdfast._questions import checked_comment, checked_name
from holdfast._queueing import Queueing
from holdfast._registry import python_minor, reachable_definitions
from holdfast._scheduling import ScheduleHandle, Scheduling
from holdfast._steering import Steering, not_undone
from holdfast._store import approvals as approval_verbs
from holdfast._store import attention, forking, reading, starting
from holdfast._store.database import Database, database_url
from holdfast._store.records import Ballot, NewRun
from holdfast._summaries import (
    ApprovalSummary,
    AttemptSummary,
    RunDetail,
    RunSummary,
    VoteSummary,
    approvals_of,
    detail_of,
    live_workers,
    summaries_of,
)
from holdfast.activity import Activity
from holdfast.clock import VirtualClock, milliseconds
from holdfast.codec import PAYLOAD_LIMIT, check_answer, encode, schemas_of
from holdfast.errors import (
    ArgumentError,
    PayloadError,
    RunCancelledError,
    RunFailedError,
    RunTerminatedError,
    RunTimedOutError,
)
from holdfast.evidence import WorkerEvidence
from holdfast.health import Family
from holdfast.history import History, Json, canonical
from holdfast.payloads import Chain, Codec, codecs_of_environment
from holdfast.retry import check_retry_budget
from holdfast.runs import MAX_ID, PRIORITY, checked_id, checked_priority
from holdfast.workflow import Workflow

__all__ = [
    "UNDECIDED",
    "ApprovalSummary",
    "Archived",
    "AttemptSummary",
    "Client",
    "Retention",
    "RunDetail",
    "RunHandle",
    "RunSummary",
    "ScheduleHandle",
    "VoteSummary",
    "resolve_workflow",
]

R = TypeVar("R")
T = TypeVar("T")
U = TypeVar("U")
_POLL = 0.05
_MAX_NAME = 200
UNDECIDED: Any = object()


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

        A run that continues as new is followed to the end of its chain.

        Raises `RunFailedError`, `RunCancelledError` or `RunTerminatedError`; `TimeoutError` when time is up first,
        which changes nothing for the run.
        """
        check_duration("result", "timeout", timeout, least=NOTHING)
        async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
            while True:
                ended = await self._client.database.read(reading.outcome, self.id)
                if ended.status != "open":
                    return self._conclude(ended.status, ended.workflow, ended.closing)
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
                text = f"Run {self.id} of {name} was cancelled.{not_undone(closing)}"
                raise RunCancelledError(text, run_id=self.id)
            case "timed_out":
                text = (
                    f"Run {self.id} of {name} did not end within its timeout.{not_undone(closing)}"
                )
                raise RunTimedOutError(text, run_id=self.id)
            case _:
                text = f"Run {self.id} of {name} was terminated.{not_undone(closing)}"
                raise RunTerminatedError(text, run_id=self.id)

    async def describe(self) -> RunDetail:
        """Return everything that is known about the run."""
        return await self._client.describe(self.id)

    async def history(self) -> History:
        """Return what happened in the run."""
        return await self._client.history(self.id)

    async def cancel(self, *, reason: str = "") -> None:
        """Ask the run to cancel itself; its clean-up code runs."""
        await self._client.cancel(self.id, reason=reason)

    async def terminate(self, *, reason: str = "", compensate: bool = True) -> None:
        """End the run; none of its code runs any more, and its compensations are carried out first."""
        await self._client.terminate(self.id, reason=reason, compensate=compensate)

    async def pause(self, *, by: str, reason: str = "") -> None:
        """Let nothing further of the run be done until it is resumed."""
        await self._client.pause(self.id, by=by, reason=reason)

    async def resume(self) -> None:
        """Let the paused run go on."""
        await self._client.resume(self.id)

    async def fork(
        self,
        *,
        at: int,
        id: str | None = None,  # noqa: A002 - the field's word
        keys: Literal["keep", "new"] = "keep",
        signals: bool = True,
    ) -> "RunHandle[R]":
        """Start a run from the recorded beginning of this one; see `Client.fork`."""
        made = await self._client.fork(self.id, at=at, id=id, keys=keys, signals=signals)
        return RunHandle(self._client, made.id, self._workflow)

    async def signal(
        self, signal: Signal[T] | str, value: Any, *, message: str | None = None
    ) -> bool:
        """Send a message to the run."""
        return await self._client.signal(self.id, signal, value, message=message)

    async def update(
        self,
        update: Update[T, U],
        value: T,
        *,
        id: str | None = None,  # noqa: A002 - the field's word
        timeout: timedelta | None = None,  # noqa: ASYNC109 - the field's words
    ) -> U:
        """Ask the run for a reply."""
        return await self._client.update(self.id, update, value, id=id, timeout=timeout)

    async def query(self, key: str, *, type: Any = Any) -> Any:  # noqa: A002 - the word for it
        """Return what the run has published under a key."""
        return await self._client.query(self.id, key, type=type)

    async def decide(
        self, approval: str, answer: Any, *, by: str, comment: str = "", saw: str = ""
    ) -> None:
        """Answer an approval of the run."""
        await self._client.decide(self.id, approval, answer, by=by, comment=comment, saw=saw)


class Client(Steering, Messaging, Archiving, Queueing, Scheduling):
    """Reach the runs of one database.

    Args:
        url: A path, or a `sqlite:///` or `postgresql://` URL; by default the environment's `HOLDFAST_DB`, else `holdfast.db` here.
        clock: A time that only tests move; by default the database's clock.
        codecs: What payloads pass through on their way to the database, for example `[Compress(), Encrypt(keys)]`; by
            default what the environment's `HOLDFAST_KEYS` asks for, else nothing. Every process needs the same.
        payload_limit: How many bytes of JSON one argument, result, message, answer or heartbeat may have.
    """

    def __init__(
        self,
        url: str | Path | None = None,
        *,
        clock: VirtualClock | None = None,
        codecs: Sequence[Codec] | None = None,
        payload_limit: int = PAYLOAD_LIMIT,
    ) -> None:
        check_whole("Client", "payload_limit", payload_limit, least=1, of="a number of bytes")
        check_kind(
            "Client", "url", url, (str, Path), "a path or a URL of a database", optional=True
        )
        if codecs is not None:
            check_kind(
                "Client", "codecs", codecs, (list, tuple),
                "a list such as [Compress(), Encrypt(keys)]",
            )  # fmt: skip
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

    async def start(  # noqa: PLR0913 - what a run is given, each by name
        self,
        workflow: Workflow[Any, R] | str,
        *args: Any,
        id: str | None = None,  # noqa: A002 - the field's word
        queue: str = "default",
        start_at: datetime | None = None,
        attributes: Mapping[str, str | int | float | bool] | None = None,
        retry_budget: int | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - a durable deadline, not one of this call
        priority: int = PRIORITY,
    ) -> RunHandle[R]:
        """Start a run, durably: once this returns it will be carried out.

        Args:
            workflow: The workflow, or its entry `module:name`.
            args: Its arguments, checked against its signature.
            id: A name for the run. Starting the same workflow with the same id, arguments and options again returns the
                same run; with others it raises `RunExistsError`. Only `start_at` may differ: it is often reckoned from
                the time of the call. One is made when none is given.
            queue: Which workers advance it.
            start_at: An aware time before which it does not start.
            attributes: By what it is found, `client.list(where=…)`; workflow code reads and changes them too.
            retry_budget: How many retries its activities may have together; by default what the workflow defines.
            timeout: How long it may take from its start, runs that continue it included; then it is ended as timed out,
                and its compensations are carried out. None means for ever.
            priority: 1, which goes first, to 9: for its turns, for its activities that name none, and for its children.
        """
        check_retry_budget(retry_budget, "start")
        check_duration("start", "timeout", timeout)
        check_text("start", "queue", queue, what="the name of a queue")
        found = resolve_workflow(workflow)
        run_id = _checked_id(id, found.name)
        encoded = found.definition.signature.encode_args(args, {}, limit=self.payload_limit)
        new = NewRun(
            id=run_id, workflow=found.name, entry=found.definition.entry, queue=queue, seed=secrets.token_hex(8),
            flags=FLAGS, python=python_minor(), code=found.definition.fingerprint,
            digest="", args=encoded, start_at=None if start_at is None else _aware_ms(start_at),
            attributes=checked_attributes(attributes or {}),
            accepts=schemas_of(declared_by(found.fn)),
            retry_budget=found.definition.retry_budget if retry_budget is None else retry_budget,
            timeout_ms=None if timeout is None else milliseconds(timeout),
            priority=checked_priority(priority, "start"),
        )  # fmt: skip
        new = replace(new, digest=_request_digest(new, retry_budget))
        await self.database.write(starting.start_run, new)
        return RunHandle(self, run_id, found)

    def get(self, run_id: str, workflow: Workflow[Any, R] | None = None) -> RunHandle[R]:
        """Return a handle on a run; with its workflow, results come back as values instead of JSON."""
        check_text("get", "run_id", run_id, what="the id of a run")
        if workflow is not None:
            checked_workflow("get", workflow)
        return RunHandle(self, run_id, workflow)

    async def resolve(self, given: str) -> str:
        """Return the full id of a run from it or an unambiguous beginning of it."""
        return await self.database.read(reading.resolve_run_id, given)

    async def history(self, run_id: str) -> History:
        """Return what happened in a run, events that no worker has applied yet included."""
        return await self.database.read(reading.load_history, run_id)

    async def describe(self, run_id: str) -> RunDetail:
        """Return everything that is known about a run."""
        return await self.database.read(detail_of, run_id)

    async def list(  # noqa: PLR0913 - one query, each filter by name
        self,
        *,
        health: str | None = None,
        workflow: str | None = None,
        prefix: str = "",
        open_only: bool = False,
        where: Mapping[str, Json] | None = None,
        past: str | None = None,
        schedule: str | None = None,
        before: tuple[int, str] | None = None,
        limit: int = 50,
    ) -> list[RunSummary]:
        """Return runs, the newest first.

        Args:
            health: A family such as `stuck`, or a code such as `stuck.no_worker`.
            workflow: Only runs of the workflow with this name.
            prefix: Only runs whose id begins so.
            open_only: Only runs that have not ended.
            where: Only runs with these attributes: `{"customer": "acme", "amount >=": 100}`; the comparisons are
                `!=`, `<`, `<=`, `>` and `>=`.
            past: Only open runs that have come past this line of code, `orders/flow.py:41`.
            schedule: Only runs that this schedule has started, and those that continue them.
            before: `(created_at, id)` of the last run of the page before.
            limit: How many at the most.
        """
        check_filters(
            health=health, workflow=workflow, prefix=prefix, where=where, past=past, before=before, limit=limit
        )  # fmt: skip
        found: list[RunSummary] = []
        narrow = (
            open_only
            or past is not None
            or (health is not None and not health.startswith(Family.CLOSED.value))
        )
        size = limit if health is None else max(limit, 500)
        while len(found) < limit:
            page = await self.database.read(
                summaries_of,
                open_only=narrow,
                workflow=workflow,
                prefix=prefix,
                where=dict(where or {}),
                past=past,
                schedule=schedule,
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
        return await self.database.read(live_workers)

    async def approvals(
        self, *, run_id: str | None = None, open_only: bool = True, limit: int = 200
    ) -> Sequence[ApprovalSummary]:
        """Return approvals, the most urgent first."""
        check_text("approvals", "run_id", run_id, optional=True, what="the id of a run")
        check_whole("approvals", "limit", limit, least=1)
        return await self.database.read(
            approvals_of, run_id=run_id, open_only=open_only, limit=limit
        )

    async def decide(  # noqa: PLR0913 - what there is to record of one decision
        self,
        run_id: str,
        approval: str,
        answer: Any,
        *,
        by: str,
        comment: str = "",
        seq: int | None = None,
        saw: str = "",
    ) -> None:
        """Answer an approval; the answer is checked against its type before anything is written.

        Args:
            run_id: The run that asks.
            approval: The approval's name.
            answer: The answer, as a value of the approval's type or as its JSON.
            by: Who decides.
            comment: Why, for the record.
            seq: Which approval of that name, when a form was opened for one of several.
            saw: The digest of the question as it was shown to that person, or the beginning of it, for the record.

        Raises:
            ApprovalError: There is no such open approval, it is decided already, the same person has answered it, the
                question is not the one that was shown, or the answer does not fit.
        """
        name, said = checked_name(by), checked_comment(comment)
        row = await self.database.read(approval_verbs.find_approval, run_id, approval, seq)
        schema = self.database.chain.unpack(row.schema, "approval.schema", run_id, row.seq)
        what = f"The answer to {approval!r} of run {run_id}"
        tree = check_answer(answer, schema, what=what, limit=self.payload_limit)
        ballot = Ballot(answer=tree, by=name, comment=said, saw=saw.strip())
        await self.database.write(approval_verbs.decide, run_id, approval, ballot, seq=row.seq)

    async def resolve_activity(
        self,
        run_id: str,
        seq: int,
        *,
        by: str,
        happened: Any = UNDECIDED,
        retry: bool = False,
        fail: str | None = None,
    ) -> None:
        """Say what became of an activity in attention: exactly one of `happened`, `retry` and `fail`.

        Args:
            run_id: The run.
            seq: The number of the activity in its run, as `holdfast why` shows it.
            by: Who decides.
            happened: Its effect has happened, and this is its result, as a value or as its JSON. It is checked against
                the activity's type where this process has loaded the workflow's code.
            retry: Its effect has not happened: another attempt starts, whatever the retry policy says.
            fail: It fails for good, for this reason.

        Raises:
            UsageError: The activity is not in attention.
            ArgumentError: The result does not fit, or it is not said what happened.
        """
        check_whole("resolve_activity", "seq", seq, least=0, of="the number of an activity")
        decider = _checked_name(by, "resolve_activity")
        if [happened is not UNDECIDED, retry, fail is not None].count(True) != 1:
            raise ArgumentError(
                "resolve_activity(…): give exactly one of happened=RESULT, retry=True and fail=REASON."
            )
        if retry:
            await self.database.write(attention.try_again, run_id, seq, by=decider)
        elif fail is not None:
            await self.database.write(attention.it_failed, run_id, seq, fail, by=decider)
        else:
            row = await self.database.read(attention.waiting_row, run_id, seq)
            tree = checked_result(
                happened, name=row.name, entry=row.entry, limit=self.payload_limit
            )
            await self.database.write(attention.it_happened, run_id, seq, tree, by=decider)

    async def fork(
        self,
        run_id: str,
        *,
        at: int,
        id: str | None = None,  # noqa: A002 - the field's word
        keys: Literal["keep", "new"] = "keep",
        signals: bool = True,
    ) -> RunHandle[Any]:
        """Start a run from the recorded beginning of another, which may be open or closed and stays as it is.

        Args:
            run_id: The original.
            at: The last turn that is copied; what it left open is open in the fork, too.
            id: A name for the fork; one is made when none is given.
            keys: "keep" gives activities that run again the idempotency keys of the original, so that effects which
                have happened are not repeated; "new" repeats them.
            signals: Whether the signals that the original got later are given to the fork, too.
        """
        check_choice("fork", "keys", keys, ("keep", "new"))
        check_whole("fork", "at", at, least=0, of="the number of a turn")
        made = f"{run_id[: MAX_ID - 12]}-{secrets.token_hex(4)}" if id is None else id
        asked = forking.Fork(
            id=_checked_id(made, ""), origin=run_id, at=at, new_keys=keys == "new", signals=signals
        )
        await self.database.write(forking.fork, asked)
        return RunHandle(self, asked.id)


def _checked_name(by: Any, call: str) -> str:
    if not isinstance(by, str) or not by.strip() or len(by) > _MAX_NAME:
        raise ArgumentError(
            f"{call}(by=…) needs 1 to {_MAX_NAME} characters: the record must say who decided."
        )
    return str(by.strip())


def checked_result(value: Any, *, name: str, entry: str, limit: int | None = None) -> Json:
    """Return a result as JSON; it is held against the type of the activity `name` where the code of `entry` is loaded."""
    try:
        tree = encode(value, Any, what=f"The result of {name}", limit=limit, loose=True)
        found = sys.modules.get(entry.partition(":")[0])
        for definition in [] if found is None else reachable_definitions(found):
            if isinstance(definition, Activity) and definition.name == name:
                return definition.definition.signature.encode_result(
                    definition.definition.signature.decode_result(tree)
                )
    except PayloadError as error:
        raise ArgumentError(f"{error.message} Nothing was written.") from error
    return tree


def _request_digest(new: NewRun, retry_budget: int | None) -> str:
    """Return what tells whether a start is the same request as an earlier one.

    Options that are not given leave no trace in it, so a later release may have more of them.
    """
    options: dict[str, Json] = {
        "timeout_ms": new.timeout_ms,
        "retry_budget": retry_budget,
        "attributes": dict(new.attributes) or None,
        "priority": None if new.priority == PRIORITY else new.priority,
    }
    given: dict[str, Json] = {k: v for k, v in options.items() if v is not None}
    asked: list[Json] = [new.workflow, new.queue, new.args]
    if given:
        asked.append(given)
    return hashlib.sha256(canonical(asked).encode()).hexdigest()


def _checked_id(given: str | None, workflow: str) -> str:
    return f"{workflow}-{secrets.token_hex(5)}" if given is None else checked_id(given)


def _aware_ms(at: datetime) -> int:
    check_kind(
        "start",
        "start_at",
        at,
        datetime,
        "a datetime with a time zone, for example datetime.now(UTC)",
    )
    if at.tzinfo is None:
        raise ArgumentError(
            f"start_at={at!r} has no time zone; use for example datetime.now(UTC) + timedelta(hours=1)."
        )
    return round(at.timestamp() * 1000)
