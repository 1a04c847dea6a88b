"""Lease runs and activities, drive the core, and commit what comes of them."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from holdfast._advancing import prepare, unusable
from holdfast._carrying import Carrier
from holdfast._idling import Rest, next_due, rest
from holdfast._registry import ActivityDefinition, WorkflowDefinition, by_name
from holdfast._store import activities as activity_verbs
from holdfast._store import ending, events, limits, reading, runs
from holdfast._store.database import Tx
from holdfast._store.records import ActivityClaim, Fault, Lost, RunClaim
from holdfast._watchdog import Watchdog
from holdfast.activity import Activity
from holdfast.client import Client
from holdfast.clock import milliseconds
from holdfast.errors import ArgumentError, LeaseLostError, SealedPayloadError, StoreError
from holdfast.payloads import to_bytes
from holdfast.workflow import Workflow

log = logging.getLogger("holdfast.worker")

_CLAIM_RUNS = 16
_FIRE_BATCH = 200
_STORE_PAUSE = 1.0  # seconds to wait when the database cannot be reached

_Found = tuple[int, list[RunClaim], list[ActivityClaim]]


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
        self._queue = queue
        self._slots = slots
        self._lease_ms = milliseconds(lease)
        self._poll = poll.total_seconds()
        self._drain = drain.total_seconds()
        self.id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._registered = False
        self._stopping = False
        self._wake = asyncio.Event()
        self._limit = client.payload_limit
        self._rest: Rest | None = None
        self._carrier = Carrier(self._database, self._activities, slots=slots, limit=self._limit)
        self._watchdog: Watchdog | None = None
        # What the watchdog's thread renews; the lock guards it.
        self._leases = threading.Lock()
        self._claims: dict[str, RunClaim] = {}

    # Running

    async def run(self) -> None:
        """Work until `stop` is called; then let activities finish, or hand them back."""
        await self._register()
        loop = asyncio.get_running_loop()
        watchdog = Watchdog(
            lambda age, stack: self._beat(loop, age, stack), interval=self._beat_interval()
        )
        watchdog.start(loop)
        self._watchdog = watchdog
        deaf = self._database.listen(lambda: self._rung(loop))
        try:
            while not self._stopping:
                self._wake.clear()  # before the look: what ends during it must not be slept through
                if not await self._try_look():
                    left = self._poll if self._rest is None else self._rest.left
                    await self._pause(min(self._poll, left))
        finally:
            deaf()
            await self._wind_down()
            self._watchdog = None
            await asyncio.to_thread(watchdog.stop)
            await self._unregister()

    def _rung(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: the process is ending
            loop.call_soon_threadsafe(self._wake.set)

    def stop(self) -> None:
        """Let `run` return: no new work is taken."""
        self._stopping = True
        self._wake.set()

    async def run_until_idle(self) -> None:
        """Do everything that is due now, and nothing that is due later."""
        await self._register()
        while await self._step() or self._carrier.running:
            if self._carrier.running:
                await asyncio.wait(self._carrier.running, return_when=asyncio.FIRST_COMPLETED)
        await self._unregister()

    @property
    def busy_threads(self) -> int:
        """Return how many threads still run an activity, those included whose attempt is over."""
        return self._carrier.threads.busy

    async def next_due(self) -> int | None:
        """Return when something becomes due, in milliseconds of the database's clock, or None."""
        return await self._database.read(next_due, queue=self._queue)

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

    async def _try_look(self) -> bool:
        try:
            return await self._look()
        except StoreError as error:
            self._rest = None
            log.warning(
                "the database cannot be used, trying again in %.0f s: %s", _STORE_PAUSE, error
            )
            await self._pause(_STORE_PAUSE)
            return True

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)

    async def _look(self) -> bool:
        """Do what is due, unless the last look found nothing and nothing can have come up since."""
        changes, free = await self._database.changes(), self._carrier.free
        if self._rest is not None and self._rest.holds(changes, free):
            return False
        self._rest = None
        began = time.monotonic()
        found, due_in_ms = await self._database.write(self._claim_or_foresee, free=free)
        busy = await self._take_on(*found)
        if not busy:
            self._rest = rest(changes, free, due_in_ms, since=began)
        return busy

    async def _step(self) -> bool:
        return await self._take_on(
            *await self._database.write(self._claim_work, free=self._carrier.free)
        )

    async def _take_on(
        self, fired: int, claims: list[RunClaim], attempts: list[ActivityClaim]
    ) -> bool:
        with self._leases:
            self._claims.update({claim.run_id: claim for claim in claims})
        for claimed in attempts:
            self._carrier.begin(claimed, self._attempt_ended)
        if attempts:
            self._pace()
        try:
            for claim in claims:
                await self._advance(claim)
        finally:
            await self._hand_back()
        return bool(fired or claims or attempts)

    def _claim_or_foresee(self, tx: Tx, *, free: int) -> tuple[_Found, int | None]:
        """Claim what can be done; when that is nothing, return how soon something becomes due, if anything does."""
        found = self._claim_work(tx, free=free)
        due = None if any(found) else next_due(tx, queue=self._queue, after=tx.now)
        return found, None if due is None else due - tx.now

    def _claim_work(self, tx: Tx, *, free: int) -> _Found:
        """Fire what is due and lease what can be done, in one transaction: an idle worker costs little more than that."""
        fired = events.fire_due(tx, limit=_FIRE_BATCH) + limits.enforce(tx, limit=_FIRE_BATCH)
        fired += ending.time_out_due(tx, limit=_FIRE_BATCH)
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
        await self._carrier.wind_down(self._drain)

    def _beat_interval(self) -> float:
        return self._carrier.beat_interval(self._lease_ms / 3000)

    def _pace(self) -> None:
        if self._watchdog is not None:
            self._watchdog.pace(self._beat_interval())

    def _attempt_ended(self) -> None:
        self._pace()
        self._wake.set()

    def _beat(self, loop: asyncio.AbstractEventLoop, loop_age_ms: int, stack: str | None) -> None:
        with self._leases:
            claims = list(self._claims.values())
        signs = self._carrier.signs()

        def beat(tx: Tx) -> Lost:
            lost = activity_verbs.beat(
                tx, self.id, loop_age_ms=loop_age_ms, stack=stack, busy=len(signs), lease_ms=self._lease_ms,
                runs=claims, activities=signs,
            )  # fmt: skip
            limits.enforce(tx, limit=_FIRE_BATCH)  # the loop may hang, and no other worker be there
            return lost

        try:
            lost = self._database.write_from_thread(beat)
        except BaseException:
            self._carrier.not_written(signs)
            raise
        self._carrier.cancel(lost.activities, loop)

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
            sealed = isinstance(error, SealedPayloadError)
            held_for = self._database.chain.id if sealed else code  # other keys help then, not code
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
            runs.commit_turns, claim, prepared.turns, code=code, parked=prepared.parked,
            decisions=prepared.decisions, drifts=prepared.drifts,
        )  # fmt: skip
        for problem in prepared.problems:
            log.error("run %s: %s", claim.run_id, problem)

    async def _record_fault(self, claim: RunClaim, fault: Fault) -> None:
        log.error(
            "run %s %s: %s",
            claim.run_id,
            "is blocked" if fault.blocks else "is tried again",
            fault.signature,
        )
        with contextlib.suppress(LeaseLostError):  # then it is another worker's news
            await self._database.write(runs.record_fault, claim, fault)
