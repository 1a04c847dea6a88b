"""Lease runs and activities, drive the core, and commit what comes of them."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from holdfast._advancing import prepare, unusable
from holdfast._attempting import Failed, Postponed, attempt
from holdfast._registry import ActivityDefinition, WorkflowDefinition, by_name
from holdfast._store import activities as activity_verbs
from holdfast._store import events, reading, runs
from holdfast._store.database import Tx
from holdfast._store.records import ActivityClaim, Fault, RunClaim
from holdfast._threads import Threads
from holdfast._watchdog import Watchdog
from holdfast.activity import Activity
from holdfast.client import Client
from holdfast.clock import milliseconds
from holdfast.codec import encode
from holdfast.errors import ArgumentError, LeaseLostError, SealedPayloadError, StoreError
from holdfast.history import Json
from holdfast.payloads import to_bytes
from holdfast.workflow import Workflow

log = logging.getLogger("holdfast.worker")

_CLAIM_RUNS = 16
_FIRE_BATCH = 200
_STORE_PAUSE = 1.0  # seconds to wait when the database cannot be reached


class Worker:
    """Advance runs and carry out activities of one queue.

    Args:
        client: The database.
        workflows: What it can advance.
        activities: What it can carry out.
        queue: Whose work it takes.
        slots: How many activities run at once.
        lease: How long a claim is good for without a heartbeat; after a crash, others take over when it ends.
        poll: How long to wait, with nothing to do, before looking again.
        drain: How long `stop` lets running activities finish before it hands them back.
    """

    def __init__(  # noqa: PLR0913 - the settings of one process, each by name
        self,
        client: Client,
        *,
        workflows: Sequence[Workflow[Any, Any]] = (),
        activities: Sequence[Activity[..., Any]] = (),
        queue: str = "default",
        slots: int = 20,
        lease: timedelta = timedelta(seconds=15),
        poll: timedelta = timedelta(milliseconds=100),
        drain: timedelta = timedelta(seconds=10),
    ) -> None:
        if slots < 1 or lease < timedelta(milliseconds=100):
            raise ArgumentError(
                f"Worker(slots={slots}, lease={lease}): expected at least 1 slot and 0.1 s."
            )
        self._workflows: dict[str, WorkflowDefinition] = by_name(
            [w.definition for w in workflows], what="workflows"
        )
        self._activities: dict[str, ActivityDefinition] = by_name(
            [a.definition for a in activities], what="activities"
        )
        self._fingerprints = {
            name: definition.fingerprint for name, definition in self._workflows.items()
        }
        self._database = client.database
        self._limit = client.payload_limit
        self._queue = queue
        self._slots = slots
        self._lease_ms = milliseconds(lease)
        self._poll = poll.total_seconds()
        self._drain = drain.total_seconds()
        self.id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._registered = False
        self._stopping = False
        self._wake = asyncio.Event()
        self._threads = Threads(slots)
        # What the watchdog's thread renews; the lock guards these three.
        self._leases = threading.Lock()
        self._claims: dict[str, RunClaim] = {}
        self._running: dict[asyncio.Task[None], ActivityClaim] = {}
        self._progress: dict[tuple[str, int, int], Json] = {}

    # Running

    async def run(self) -> None:
        """Work until `stop` is called; then let activities finish, or hand them back."""
        await self._register()
        loop = asyncio.get_running_loop()
        watchdog = Watchdog(
            lambda age, stack: self._beat(loop, age, stack), interval=self._lease_ms / 3000
        )
        watchdog.start(loop)
        try:
            while not self._stopping:
                if not await self._try_step():
                    await self._pause(self._poll)
        finally:
            await self._wind_down()
            await asyncio.to_thread(watchdog.stop)
            await self._unregister()

    def stop(self) -> None:
        """Let `run` return: no new work is taken."""
        self._stopping = True
        self._wake.set()

    async def run_until_idle(self) -> None:
        """Do everything that is due now, and nothing that is due later."""
        await self._register()
        while await self._step() or self._running:
            if self._running:
                await asyncio.wait(set(self._running), return_when=asyncio.FIRST_COMPLETED)
        await self._unregister()

    @property
    def busy_threads(self) -> int:
        """Return how many threads still run an activity, those included whose attempt is over."""
        return self._threads.busy

    async def next_due(self) -> int | None:
        """Return when something becomes due, in milliseconds of the database's clock, or None."""
        return await self._database.read(_next_due, queue=self._queue)

    async def _register(self) -> None:
        if self._registered:
            return
        self._registered = True
        row = {
            "id": self.id, "host": socket.gethostname(), "pid": os.getpid(), "queue": self._queue,
            "workflows": to_bytes(dict(self._fingerprints)), "activities": to_bytes(sorted(self._activities)),
            "slots": self._slots, "busy": 0,
        }  # fmt: skip
        await self._database.write(activity_verbs.register_worker, row)

    async def _unregister(self) -> None:
        self._registered = False
        await self._database.write(activity_verbs.stop_worker, self.id)

    async def _try_step(self) -> bool:
        try:
            return await self._step()
        except StoreError as error:
            log.warning(
                "the database cannot be used, trying again in %.0f s: %s", _STORE_PAUSE, error
            )
            await self._pause(_STORE_PAUSE)
            return True

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)

    async def _step(self) -> bool:
        free = max(0, self._slots - max(len(self._running), self._threads.busy))
        fired, claims, attempts = await self._database.write(self._claim_work, free=free)
        with self._leases:
            self._claims.update({claim.run_id: claim for claim in claims})
        for claimed in attempts:
            self._begin(claimed)
        try:
            for claim in claims:
                await self._advance(claim)
        finally:
            await self._hand_back()
        return bool(fired or claims or attempts)

    def _claim_work(self, tx: Tx, *, free: int) -> tuple[int, list[RunClaim], list[ActivityClaim]]:
        """Fire what is due and lease what can be done, in one transaction: an idle worker costs little more than that."""
        fired = events.fire_due(tx, limit=_FIRE_BATCH)
        claims: list[RunClaim] = []
        attempts: list[ActivityClaim] = []
        if self._workflows:
            claims = runs.claim_runs(
                tx, worker=self.id, queue=self._queue, fingerprints=self._fingerprints, limit=_CLAIM_RUNS,
                lease_ms=self._lease_ms,
            )  # fmt: skip
        if self._activities and free:
            attempts = activity_verbs.claim_activities(
                tx,
                worker_id=self.id,
                queue=self._queue,
                names=self._activities,
                limit=free,
                lease_ms=self._lease_ms,
            )
        return fired, claims, attempts

    async def _wind_down(self) -> None:
        with contextlib.suppress(StoreError):  # then the leases run out
            await self._hand_back()
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._drain)
        left = dict(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._database.write(activity_verbs.give_up_attempts, list(left.values()))
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _beat(self, loop: asyncio.AbstractEventLoop, loop_age_ms: int, stack: str | None) -> None:
        with self._leases:
            claims = list(self._claims.values())
            running = [
                (claim, self._progress.pop(_key(claim), None)) for claim in self._running.values()
            ]
            tasks = {_key(claim): task for task, claim in self._running.items()}
        lost = self._database.write_from_thread(
            activity_verbs.beat, self.id, loop_age_ms=loop_age_ms, stack=stack, busy=len(running),
            lease_ms=self._lease_ms, runs=claims, activities=running,
        )  # fmt: skip
        for key in lost.activities:
            # Either it has just ended, or the run or another worker took it away: then its work is of no use.
            loop.call_soon_threadsafe(tasks[key].cancel)

    # Runs

    async def _advance(self, claim: RunClaim) -> None:
        code = self._fingerprints[claim.workflow]
        try:
            await self._advance_claimed(claim, code)
        except LeaseLostError as error:
            log.warning("%s", error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one run must not end the worker, whatever is in it
            sealed = isinstance(
                error, SealedPayloadError
            )  # other keys help then, and no other code
            held_for = self._database.chain.id if sealed else code
            await self._record_fault(claim, unusable(error, code=held_for))
        with self._leases:
            self._claims.pop(claim.run_id, None)

    async def _hand_back(self) -> None:
        """Give back the claims that were not advanced because of an error; else they would be renewed for ever."""
        with self._leases:
            left, self._claims = list(self._claims.values()), {}
        if left:
            await self._database.write(runs.hand_back, left)

    async def _advance_claimed(self, claim: RunClaim, code: str) -> None:
        history = await self._database.read(reading.load_history, claim.run_id)
        prepared = prepare(
            self._workflows[claim.workflow],
            history,
            failures=claim.failures,
            signature=claim.error_signature,
            limit=self._limit,
        )
        if isinstance(prepared, Fault):
            await self._record_fault(claim, prepared)
            return
        await self._database.write(
            runs.commit_turns, claim, prepared.turns, code=code, condition=prepared.condition,
            decisions=prepared.decisions, drifts=prepared.drifts,
        )  # fmt: skip

    async def _record_fault(self, claim: RunClaim, fault: Fault) -> None:
        log.error(
            "run %s %s: %s",
            claim.run_id,
            "is blocked" if fault.blocks else "is tried again",
            fault.signature,
        )
        with contextlib.suppress(LeaseLostError):  # then it is another worker's news
            await self._database.write(runs.record_fault, claim, fault)

    # Activities

    def _begin(self, claim: ActivityClaim) -> None:
        task = asyncio.create_task(
            self._attempt(claim), name=f"{claim.name} #{claim.seq} of {claim.run_id}"
        )
        with self._leases:
            self._running[task] = claim
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        with self._leases:
            claim = self._running.pop(task)
            self._progress.pop(_key(claim), None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("activity %s of run %s: the outcome of attempt %d is not recorded, it will be tried again: %s",
                      claim.name, claim.run_id, claim.attempt, error)  # fmt: skip
        self._wake.set()

    async def _attempt(self, claim: ActivityClaim) -> None:
        def beat(details: Any) -> None:
            what = f"The heartbeat of {claim.name}"
            tree = encode(details, Any, what=what, limit=self._limit, loose=True)
            with self._leases:
                self._progress[_key(claim)] = tree

        outcome = await attempt(
            self._activities[claim.name], claim, beat=beat, threads=self._threads, limit=self._limit
        )
        try:
            if isinstance(outcome, Postponed):
                await self._database.write(activity_verbs.postpone_attempt, claim, outcome.failure)
            elif isinstance(outcome, Failed):
                await self._database.write(
                    activity_verbs.fail_attempt,
                    claim,
                    outcome.failure,
                    retry_in_ms=outcome.retry_in_ms,
                )
            else:
                await self._database.write(activity_verbs.complete_activity, claim, outcome.result)
        except LeaseLostError as error:
            log.warning("%s", error)


def _key(claim: ActivityClaim) -> tuple[str, int, int]:
    return claim.run_id, claim.seq, claim.epoch


def _next_due(tx: Tx, *, queue: str) -> int | None:
    due = (
        runs.next_run_due(tx, queue=queue),
        activity_verbs.next_activity_due(tx, queue=queue),
        events.next_wait_due(tx),
    )
    return min((at for at in due if at is not None), default=None)
