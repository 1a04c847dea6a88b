"""The attempts that one worker carries out: it begins them, passes their signs of life on, and records their outcomes."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast._attempting import Absent, Failed, Outcome, Postponed, Succeeded, Undecided, attempt
from holdfast._masking import logger
from holdfast._registry import ActivityDefinition
from holdfast._store import attempts as attempt_verbs
from holdfast._store.database import Database
from holdfast._store.records import ActivityClaim, Heartbeat
from holdfast._threads import Threads
from holdfast._troubles import Troubles
from holdfast.codec import encode_as
from holdfast.errors import (
    DatabaseCorruptError,
    DatabaseVersionError,
    LeaseLostError,
    StoreError,
)

log = logger("holdfast.worker")

_BEATS_PER_LIMIT = 3
_SHORTEST_BEAT = 0.02  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds between attempts to record an outcome

Key = tuple[str, int, int]
Signs = list[tuple[ActivityClaim, Heartbeat | None]]


@dataclass(slots=True, eq=False)
class _Held:
    """Hold an attempt that runs; `fresh` says that its last heartbeat is not yet in the database."""

    claim: ActivityClaim
    last: Heartbeat | None = None
    fresh: bool = False
    taken: bool = False  # its lease is gone


class Carrier:
    """Carry out attempts, each in a task of its own; the watchdog's thread asks it for their signs of life."""

    def __init__(
        self,
        database: Database,
        definitions: Mapping[str, ActivityDefinition],
        *,
        slots: int,
        limit: int,
        troubles: Troubles,
    ) -> None:
        self.threads = Threads(slots)
        self._troubles = troubles
        self._database = database
        self._definitions = definitions
        self._slots = slots
        self._limit = limit  # bytes of a result or a heartbeat
        self._lock = threading.Lock()  # guards what the watchdog's thread reads
        self._running: dict[asyncio.Task[None], _Held] = {}

    @property
    def running(self) -> set[asyncio.Task[None]]:
        """Return the tasks of the attempts that run."""
        return set(self._running)

    @property
    def free(self) -> int:
        """Return how many more attempts may begin; a thread whose attempt is over still takes its place."""
        return max(0, self._slots - max(len(self._running), self.threads.busy))

    @property
    def outlived(self) -> bool:
        """Tell whether a thread is busy whose attempt is over: nothing rings when it ends."""
        return self.threads.busy > len(self._running)

    def begin(self, claim: ActivityClaim, ended: Callable[[], None]) -> None:
        """Start an attempt; `ended` is called when it is over, whatever became of it."""
        held = _Held(claim)
        task = asyncio.create_task(
            self._carry_out(held), name=f"{claim.name} #{claim.seq} of {claim.run_id}"
        )
        with self._lock:
            self._running[task] = held

        def over(_task: asyncio.Task[None]) -> None:
            self._over(task)
            ended()

        task.add_done_callback(over)

    def _over(self, task: asyncio.Task[None]) -> None:
        with self._lock:
            held = self._running.pop(task)
        claim = held.claim
        if held.taken and task.cancelled():
            log.warning("activity %s of run %s: the lease of attempt %d is gone, so it was stopped and its outcome is not recorded",
                        claim.name, claim.run_id, claim.attempt)  # fmt: skip
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("activity %s of run %s: the outcome of attempt %d is not recorded, it counts as lost: %s",
                      claim.name, claim.run_id, claim.attempt, error)  # fmt: skip

    async def _carry_out(self, held: _Held) -> None:
        claim = held.claim

        def beat(details: Any, declared: Any) -> None:
            what = f"The heartbeat of {claim.name}"
            call = "activity.heartbeat(…, type=set[int])"
            tree = encode_as(details, declared, what=what, call=call, limit=self._limit)
            with self._lock:
                kept = held.last.details if tree is None and held.last is not None else tree
                held.last, held.fresh = Heartbeat(details=kept), True

        outcome = await attempt(
            self._definitions[claim.name],
            claim,
            beat=beat,
            threads=self.threads,
            limit=self._limit,
        )
        try:
            await self._record_in_time(claim, outcome, held)
        except LeaseLostError as error:
            log.warning("%s", error)

    async def _record_in_time(self, claim: ActivityClaim, outcome: Outcome, held: _Held) -> None:
        """Record an outcome, as soon as the database can be used: the effect has happened, so this must not be lost."""
        what, pause = _key(claim), _FIRST_PAUSE
        try:
            while True:
                try:
                    return await self._record(claim, outcome, held)
                except (DatabaseCorruptError, DatabaseVersionError):
                    raise
                except StoreError as error:
                    self._troubles.met(what, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self._troubles.over(what)

    async def _record(self, claim: ActivityClaim, outcome: Outcome, held: _Held) -> None:
        write = self._database.write
        match outcome:
            case Succeeded():
                await write(attempt_verbs.complete_activity, claim, outcome.result)
            case Failed():
                await write(
                    attempt_verbs.fail_attempt, claim, outcome.failure, retry_in_ms=outcome.retry_in_ms,
                    unknown=outcome.unknown, beat=held.last,
                )  # fmt: skip
            case Postponed():
                await write(attempt_verbs.postpone_attempt, claim, outcome.failure)
            case Absent():
                await write(attempt_verbs.nothing_happened, claim)
            case Undecided():
                await write(attempt_verbs.probe_failed, claim, outcome.why, again=outcome.again)

    # Signs of life

    def beat_interval(self, longest: float) -> float:
        """Return how many seconds may pass between two beats so that no heartbeat limit is missed."""
        with self._lock:
            limits: list[float] = [
                held.claim.options["heartbeat_ms"] / 1000 / _BEATS_PER_LIMIT
                for held in self._running.values()
                if held.claim.options.get("heartbeat_ms") and not held.claim.probe
            ]
        return max(_SHORTEST_BEAT, min([longest, *limits]))

    def signs(self) -> Signs:
        """Return every attempt, with its heartbeat where there was one since this was last asked."""
        with self._lock:
            taken: Signs = []
            for held in self._running.values():
                taken.append((held.claim, held.last if held.fresh else None))
                held.fresh = False
        return taken

    def not_written(self, signs: Signs) -> None:
        """Let the next beat write these signs: this one could not."""
        unwritten = {_key(claim) for claim, beat in signs if beat is not None}
        with self._lock:
            for held in self._running.values():
                held.fresh = held.fresh or _key(held.claim) in unwritten

    def cancel(self, lost: Iterable[Key], loop: asyncio.AbstractEventLoop) -> None:
        """Stop attempts whose lease is gone: they have just ended, or a time limit, their run or another took them."""
        wanted = set(lost)
        with self._lock:
            tasks = [task for task, held in self._running.items() if _key(held.claim) in wanted]
            for task in tasks:
                self._running[task].taken = True
        for task in tasks:
            with contextlib.suppress(RuntimeError):  # the loop was closed: the process is ending
                loop.call_soon_threadsafe(task.cancel)

    # The end

    async def finish(self, drain: float, hurry: asyncio.Event) -> None:
        """Let attempts finish for `drain` seconds, or until somebody is in a hurry."""
        hurried = asyncio.ensure_future(hurry.wait())
        ends = time.monotonic() + drain
        while self._running and not hurried.done() and time.monotonic() < ends:
            await asyncio.wait(
                {hurried, *self._running}, timeout=max(0.0, ends - time.monotonic()), return_when=asyncio.FIRST_COMPLETED
            )  # fmt: skip
        hurried.cancel()

    async def abandon(self) -> Signs:
        """Cancel the attempts that still run, and return them with their last signs of life, to be handed back."""
        left = dict(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self.threads.shutdown(wait=False, cancel_futures=True)
        return [(held.claim, held.last) for held in left.values()]


def _key(claim: ActivityClaim) -> Key:
    return claim.run_id, claim.seq, claim.epoch
