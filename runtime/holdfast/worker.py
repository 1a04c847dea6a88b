"""Lease runs and activities, drive the core, and commit what comes of them."""

import asyncio
import contextlib
import os
import platform
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from holdfast._advancing import prepare, unusable
from holdfast._archiving import RETENTION, Retention, Sweeper
from holdfast._arguments import (
    NOTHING,
    check_duration,
    check_kind,
    check_text,
    check_whole,
    checked_list,
    refuse,
)
from holdfast._carrying import Carrier
from holdfast._core.driver import FLAGS
from holdfast._idling import Rest, next_due, next_moment, rest
from holdfast._masking import logger
from holdfast._registry import ActivityDefinition, WorkflowDefinition, by_name
from holdfast._store import activities as activity_verbs
from holdfast._store import ending, events, limits, reading, runs, throttle, ticks
from holdfast._store.database import Tx
from holdfast._store.records import ActivityClaim, Fault, Lost, RunClaim
from holdfast._troubles import RUNS, Troubles
from holdfast._watchdog import Watchdog
from holdfast.activity import Activity
from holdfast.client import Client
from holdfast.clock import milliseconds
from holdfast.errors import LeaseLostError, SealedPayloadError, StoreError
from holdfast.payloads import to_bytes
from holdfast.workflow import Workflow

log = logger("holdfast.worker")

_CLAIM_RUNS = 16
_SHORTEST_LEASE = timedelta(milliseconds=100)
_FIRE_BATCH = 200
_LONGEST_BEAT = 10.0  # seconds; a worker that is not seen for three times that counts as dead
_STORE_PAUSE = 1.0  # seconds to wait when the database cannot be reached

_Found = tuple[int, list[RunClaim], list[ActivityClaim]]


class Worker:
    """Advance runs and carry out activities of one queue, or of several.

    Args:
        client: The database.
        workflows: What it can advance.
        activities: What it can carry out.
        queue: Whose work it takes: the name of a queue, or several.
        slots: How many activities run at once.
        lease: How long a claim is good for without a heartbeat; after a crash, others take over when it ends.
        poll: How long to wait, with nothing to do, before looking again.
        drain: How long `stop` lets running activities finish before it hands them back.
        build: Which build of your code this is, for people; by default the environment's `HOLDFAST_BUILD`.
        retain: Which closed runs to archive by itself, a few at a time; by default none.
    """

    def __init__(  # noqa: PLR0913 - the settings of one process, each by name
        self,
        client: Client,
        *,
        workflows: Sequence[Workflow[Any, Any]] = (),
        activities: Sequence[Activity[..., Any]] = (),
        queue: str | Sequence[str] = "default",
        slots: int = 20,
        lease: timedelta = timedelta(seconds=15),
        poll: timedelta = timedelta(milliseconds=100),
        drain: timedelta = timedelta(seconds=10),
        build: str | None = None,
        retain: Retention | None = None,
    ) -> None:
        check_kind("Worker", "client", client, Client, "a holdfast.Client")
        check_text("Worker", "build", build, optional=True)
        check_whole("Worker", "slots", slots, least=1)
        check_duration("Worker", "lease", lease, least=_SHORTEST_LEASE, optional=False)
        check_duration("Worker", "poll", poll, optional=False)
        check_kind("Worker", "retain", retain, Retention, RETENTION, optional=True)
        check_duration("Worker", "drain", drain, least=NOTHING, optional=False)
        flows = checked_list("Worker", "workflows", workflows, Workflow, "workflows")
        steps = checked_list("Worker", "activities", activities, Activity, "activities")
        self._workflows: dict[str, WorkflowDefinition] = by_name(
            [w.definition for w in flows], what="workflows"
        )
        self._activities: dict[str, ActivityDefinition] = by_name(
            [a.definition for a in steps], what="activities"
        )
        self._fingerprints = {
            name: definition.fingerprint for name, definition in self._workflows.items()
        }
        self._database = client.database
        self._queues = _checked_queues(queue)
        self._build = os.environ.get("HOLDFAST_BUILD", "") if build is None else build
        self._slots = slots
        self._lease_ms = milliseconds(lease)
        self._poll = poll.total_seconds()
        self._drain = drain.total_seconds()
        self.id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._registered = False
        self._stopping = False
        self._clean = True
        self._looks = 0
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._limit = client.payload_limit
        self._rest: Rest | None = None
        self._troubles = Troubles()
        self._carrier = Carrier(
            self._database,
            self._activities,
            slots=slots,
            limit=self._limit,
            troubles=self._troubles,
        )
        self._watchdog: Watchdog | None = None
        self._sweeper = None if retain is None else Sweeper(self._database, retain)
        # What the watchdog's thread renews; the lock guards it.
        self._leases = threading.Lock()
        self._claims: dict[str, RunClaim] = {}

    # Running

    async def run(self) -> None:
        """Work until `stop` is called; then let activities finish, or hand them back."""
        await self._register()
        loop = asyncio.get_running_loop()
        watchdog = Watchdog(
            lambda age, stack: self._beat(loop, age, stack),
            interval=self._beat_interval(),
            troubles=self._troubles,
        )
        watchdog.start(loop)
        self._watchdog = watchdog
        deaf = self._database.listen(lambda: self._rung(loop))
        sweeping = None if self._sweeper is None else loop.create_task(self._sweeper.run())
        try:
            while not self._stopping:
                self._wake.clear()  # before the look: what ends during it must not be slept through
                if not await self._try_look():
                    await self._pause(self._patience())
        finally:
            deaf()
            ends = await self._wind_down()
            if self._sweeper is not None and sweeping is not None:
                self._sweeper.stop()
                await sweeping
            self._watchdog = None
            await asyncio.to_thread(watchdog.stop)
            await self._insist(self._unregister, until=ends)

    def _patience(self) -> float:
        """Return how many seconds to wait after a look that found nothing."""
        if self._rest is None:
            return self._poll
        if self._database.pushes and not self._carrier.outlived:
            return self._rest.left
        return min(self._poll, self._rest.left)

    def _rung(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: the process is ending
            loop.call_soon_threadsafe(self._wake.set)

    def stop(self, *, at_once: bool = False) -> None:
        """Let `run` return: no new work is taken, and what runs may finish for as long as `drain` says.

        With `at_once`, also of a worker that is stopping already, everything is handed back now.
        """
        self._stopping = True
        self._wake.set()
        if at_once:
            self._hurry.set()

    @property
    def is_stopping(self) -> bool:
        """Tell whether `stop` was called."""
        return self._stopping

    @property
    def busy(self) -> int:
        """Return how many activities run."""
        return len(self._carrier.running)

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing of this worker is left that others can take over only when its leases have run out."""
        return self._clean

    async def run_until_idle(self) -> None:
        """Do everything that is due now, and nothing that is due later."""
        await self._register()
        while True:
            # Asked before the step: what ended during it may have held a run whose events the step passed over.
            was_running = bool(self._carrier.running)
            if not await self._step() and not was_running:
                break
            if self._carrier.running:
                await asyncio.wait(self._carrier.running, return_when=asyncio.FIRST_COMPLETED)
        await self._unregister()

    @property
    def busy_threads(self) -> int:
        """Return how many threads still run an activity, those included whose attempt is over."""
        return self._carrier.threads.busy

    async def next_due(self) -> int | None:
        """Return when something becomes due, or a limit lets it start, in milliseconds of the database's clock, or None."""
        return await self._database.read(next_moment, queues=self._queues)

    async def _register(self) -> None:
        if self._registered:
            return
        self._registered = True
        patches = {name: sorted(known.patches) for name, known in self._workflows.items()}
        row = {
            "id": self.id, "host": socket.gethostname(), "pid": os.getpid(),
            "queue": self._queues[0], "queues": to_bytes(list(self._queues)),
            "workflows": to_bytes(dict(self._fingerprints)), "activities": to_bytes(sorted(self._activities)),
            "patches": to_bytes(patches), "slots": self._slots, "busy": 0, "build": self._build,
            "holdfast": version("holdfast"), "python": platform.python_version(),
        }  # fmt: skip
        await self._database.write(activity_verbs.register_worker, row)

    async def _unregister(self) -> None:
        self._registered = False
        await self._database.write(activity_verbs.stop_worker, self.id)

    async def _try_look(self) -> bool:
        try:
            busy = await self._look()
        except StoreError as error:
            self._rest = None
            self._troubles.met(RUNS, error)
            await self._pause(_STORE_PAUSE)
            return True
        self._troubles.quiet()
        return busy

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)

    async def _look(self) -> bool:
        """Do what is due, unless the last look found nothing and nothing can have come up since."""
        await self._hand_back()  # what an error of the database has left
        changes, free = await self._database.changes(), self._carrier.free
        if self._rest is not None and self._rest.holds(changes, free):
            return False
        self._rest = None
        began = time.monotonic()
        found, due_in_ms = await self._database.write(self._claim_or_foresee, free=free)
        busy = await self._take_on(*found)
        if not busy:
            lease = self._lease_ms / 1000
            self._rest = rest(changes, free, due_in_ms, since=began, lease=lease)
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
                if self._stopping:
                    break
                await self._advance(claim)
        finally:
            await self._hand_back()
        if claims:
            self._troubles.over(RUNS)
        return bool(fired or claims or attempts)

    def _claim_or_foresee(self, tx: Tx, *, free: int) -> tuple[_Found, int | None]:
        """Claim what can be done; when that is nothing, return how soon something becomes due, if anything does."""
        found = self._claim_work(tx, free=free)
        due = None if any(found) else next_due(tx, queues=self._queues, after=tx.now)
        return found, None if due is None else due - tx.now

    def _claim_work(self, tx: Tx, *, free: int) -> _Found:
        """Fire what is due and lease what can be done, in one transaction: an idle worker costs little more than that."""
        fired = events.fire_due(tx, limit=_FIRE_BATCH) + limits.enforce(tx, limit=_FIRE_BATCH)
        fired += ending.time_out_due(tx, limit=_FIRE_BATCH)
        fired += ticks.fire_due(tx, limit=_FIRE_BATCH, flags=FLAGS)
        claims: list[RunClaim] = []
        attempts: list[ActivityClaim] = []
        gates = throttle.gates(tx, self._queues)
        for queue in self._in_turn():
            gate = gates.get(queue)
            if gate is not None and gate.is_paused:
                continue
            claims += self._claim_runs(tx, queue, gate, _CLAIM_RUNS - len(claims))
            attempts += self._claim_activities(tx, queue, gate, free - len(attempts))
        if not fired:
            tx.hush()  # work that was taken is no news
        return fired, claims, attempts

    def _claim_runs(
        self, tx: Tx, queue: str, gate: throttle.Gate | None, wanted: int
    ) -> list[RunClaim]:
        limit = wanted if gate is None else gate.tasks(wanted)
        if not self._workflows or limit < 1:
            return []
        return runs.claim_runs(
            tx, worker=self.id, queue=queue, fingerprints=self._fingerprints, limit=limit, lease_ms=self._lease_ms,
        )  # fmt: skip

    def _claim_activities(
        self, tx: Tx, queue: str, gate: throttle.Gate | None, wanted: int
    ) -> list[ActivityClaim]:
        limit = wanted if gate is None else gate.activities(wanted)
        if not self._activities or limit < 1:
            return []
        begun = activity_verbs.claim_activities(
            tx, worker_id=self.id, queue=queue, names=self._activities, limit=limit, lease_ms=self._lease_ms,
        )  # fmt: skip
        if gate is not None:
            gate.begun(len(begun))
        return begun

    def _in_turn(self) -> list[str]:
        """Return the queues, each time with another one first: a full queue must not keep the others waiting."""
        self._looks += 1
        first = self._looks % len(self._queues)
        return [*self._queues[first:], *self._queues[:first]]

    async def _wind_down(self) -> float:
        """Finish or hand back what is held, and return until when trying to is worth it: then the leases have run out."""
        with contextlib.suppress(StoreError):  # it is tried again below
            await self._hand_back()
        await self._carrier.finish(self._drain, self._hurry)
        returned = await self._carrier.abandon()
        ends = time.monotonic() + self._lease_ms / 1000
        await self._insist(self._hand_back, until=ends)
        if returned:
            give_up = activity_verbs.give_up_attempts
            await self._insist(lambda: self._database.write(give_up, returned), until=ends)
        return ends

    async def _insist(self, write: Callable[[], Awaitable[None]], *, until: float) -> None:
        while True:
            try:
                return await write()
            except StoreError as error:
                self._clean = self._clean and time.monotonic() < until and not self._hurry.is_set()
                again = f"trying again in {_STORE_PAUSE:.0f} s" if self._clean else "giving up"
                log.warning("what this worker holds cannot be handed back, %s: %s", again, error)
                if not self._clean:
                    return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _STORE_PAUSE)

    def _beat_interval(self) -> float:
        return self._carrier.beat_interval(min(self._lease_ms / 3000, _LONGEST_BEAT))

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
                runs=claims, activities=signs, machine_ms=self._machine_ms(),
            )  # fmt: skip
            # The loop may hang, and no other worker be there.
            if not limits.enforce(tx, limit=_FIRE_BATCH):
                tx.hush()
            return lost

        try:
            lost = self._database.write_from_thread(beat)
        except BaseException:
            self._carrier.not_written(signs)
            raise
        self._carrier.cancel(lost.activities, loop)

    def _machine_ms(self) -> int | None:
        return None if self._database.virtual else round(time.time() * 1000)

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
        """Give back the claims that were not advanced; else they would be renewed for ever."""
        with self._leases:
            left = list(self._claims.values())
        if left:
            await self._database.write(runs.hand_back, left)
            with self._leases:
                self._claims.clear()

    async def _advance_claimed(self, claim: RunClaim, code: str) -> None:
        history = await self._database.read(reading.load_history, claim.run_id)
        prepared = prepare(
            self._workflows[claim.workflow],
            history,
            failures=claim.failures,
            signature=claim.error_signature,
            limit=self._limit,
            active=claim.active_patches,
        )
        if isinstance(prepared, Fault):
            await self._record_fault(claim, prepared)
            return
        await self._database.write(
            runs.commit_turns, claim, prepared.turns, code=code, parked=prepared.parked,
            decisions=prepared.decisions, drifts=prepared.drifts, accepts=prepared.accepts,
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


def _checked_queues(given: Any) -> tuple[str, ...]:
    expected = "the name of a queue, or a list of several names"
    if not isinstance(given, Iterable):
        refuse("Worker", "queue", given, expected)
    names = (
        [given] if isinstance(given, str) else checked_list("Worker", "queue", given, str, "names")
    )
    if not names or not all(name.strip() for name in names):
        refuse("Worker", "queue", given, expected)
    return tuple(dict.fromkeys(names))
