"""Every time limit holds by the database's clock, whether the worker lives, hangs, is dead, or never was there."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.processes import until

from holdfast import ActivityError, Client, Retry, Worker, activity, workflow
from holdfast._store import activities, attempts, limits
from holdfast._store.records import ActivityClaim, Heartbeat
from holdfast.clock import VirtualClock
from holdfast.errors import LeaseLostError, RunFailedError
from holdfast.history import Failure

Drive = Callable[..., Awaitable[None]]
Serve = Callable[[Worker], None]
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
FAILURE = Failure(type="E", message="m")


@activity.define(retry=Retry(initial=SECOND, backoff=1.0, max_attempts=3))
async def work() -> str:
    raise ConnectionError("no answer")


def flow_with(**options: Any) -> Any:
    step = work.with_options(**options)

    @workflow.define(name="flow")
    async def flow() -> str:
        try:
            return await step()
        except ActivityError as error:
            return f"{error.type} after {error.attempts}: {error.message.partition(': ')[2]}"

    return flow


async def scheduled(client: Client, **options: Any) -> tuple[Worker, Any]:
    """Start a run whose activity waits for a worker, and return the worker that advances the run only."""
    flow = flow_with(**options)
    handle = await client.start(flow, id="r")
    advancing = Worker(client, workflows=[flow])
    await advancing.run_until_idle()
    return advancing, handle


def claim(client: Client, owner: str = "w", lease: timedelta = HOUR) -> ActivityClaim:
    found = client.database.write_now(
        activities.claim_activities, worker_id=owner, queue="default", names=["work"], limit=9,
        lease_ms=round(lease / timedelta(milliseconds=1)),
    )  # fmt: skip
    assert len(found) == 1
    return found[0]


def beat(client: Client, mine: ActivityClaim, sign: Heartbeat | None) -> bool:
    lost = client.database.write_now(
        activities.beat, "w", loop_age_ms=0, stack=None, busy=1, lease_ms=3_600_000, runs=[],
        activities=[(mine, sign)],
    )  # fmt: skip
    return not lost.activities


async def state(handle: Any) -> tuple[str, str | None]:
    row = (await handle.describe()).activities[0]
    return row.state, row.error_type


@pytest.mark.construct("activity.define(schedule_to_start=)")
async def test_an_activity_that_no_worker_takes_in_time_fails_for_good(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, schedule_to_start=30 * SECOND)
    clock.advance(29 * SECOND)
    await worker.run_until_idle()
    assert await state(handle) == ("ready", None)

    clock.advance(SECOND)
    await worker.run_until_idle()

    assert (await handle.result()).startswith("ScheduleToStartTimeout after 0: ")
    assert "no worker on queue 'default' took it within 30 s" in await handle.result()


async def test_each_attempt_has_its_own_time_to_be_taken(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, schedule_to_start=30 * SECOND)
    clock.advance(29 * SECOND)
    client.database.write_now(attempts.fail_attempt, claim(client), FAILURE, retry_in_ms=5_000)

    clock.advance(34 * SECOND)
    await worker.run_until_idle()
    assert await state(handle) == ("backoff", "E")
    clock.advance(SECOND)
    await worker.run_until_idle()

    assert (await handle.result()).startswith("ScheduleToStartTimeout after 1: ")
    assert "last E: m" in await handle.result()


async def test_an_attempt_that_has_begun_in_time_is_left_alone(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, schedule_to_start=30 * SECOND)
    mine = claim(client)
    clock.advance(40 * SECOND)
    await worker.run_until_idle()

    client.database.write_now(attempts.complete_activity, mine, "done")
    await worker.run_until_idle()

    assert await handle.result() == "done"


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.construct("activity.define(schedule_to_close=)")
async def test_an_activity_that_takes_too_long_in_all_fails_for_good(
    client: Client, clock: VirtualClock, *, taken: bool
) -> None:
    worker, handle = await scheduled(client, schedule_to_close=60 * SECOND)
    held = [claim(client)] if taken else []
    clock.advance(59 * SECOND)
    await worker.run_until_idle()
    assert await state(handle) == ("leased" if taken else "ready", None)

    clock.advance(SECOND)
    await worker.run_until_idle()

    assert (await handle.result()).startswith("ScheduleToCloseTimeout ")
    assert "no result within 60 s of its scheduling" in await handle.result()
    for mine in held:
        with pytest.raises(LeaseLostError):
            client.database.write_now(attempts.complete_activity, mine, "too late")


async def test_no_retry_is_scheduled_that_would_start_after_the_last_moment(
    client: Client, clock: VirtualClock, drive: Drive
) -> None:
    flow = flow_with(
        schedule_to_close=timedelta(seconds=10), retry=Retry(initial=4 * SECOND, backoff=1.0)
    )
    began = clock.now_ms
    handle = await client.start(flow, id="r")

    await drive(Worker(client, workflows=[flow], activities=[work]), "r", until="closed.completed")

    # Attempts at 0, 4 and 8 s; a fourth could begin at 12 s only, so the third is the last, and nothing is waited for.
    assert clock.now_ms - began == 8_000
    assert (await handle.result()).startswith("ConnectionError after 3: ")
    assert "another attempt would start later than schedule_to_close, 10 s" in await handle.result()


@pytest.mark.construct("activity.define(heartbeat=)")
async def test_an_attempt_without_heartbeat_fails_and_is_tried_again(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, heartbeat=5 * SECOND)
    zombie = claim(client)
    clock.advance(5 * SECOND)
    await worker.run_until_idle()

    assert await state(handle) == ("backoff", "HeartbeatTimeout")
    assert not beat(client, zombie, Heartbeat(details="alive after all"))
    with pytest.raises(LeaseLostError):
        client.database.write_now(attempts.complete_activity, zombie, "too late")

    clock.advance(SECOND)
    heir = claim(client)
    client.database.write_now(attempts.complete_activity, heir, "done")
    await worker.run_until_idle()
    assert (heir.attempt, await handle.result()) == (2, "done")


@pytest.mark.construct("activity.heartbeat")
async def test_heartbeats_keep_an_attempt_alive_and_signs_of_its_worker_alone_do_not(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, heartbeat=5 * SECOND)
    mine = claim(client)
    for _ in range(4):
        clock.advance(4 * SECOND)
        assert beat(client, mine, Heartbeat(details=None))
        await worker.run_until_idle()
        assert await state(handle) == ("leased", None)

    clock.advance(4 * SECOND)
    assert beat(client, mine, None)  # the lease is renewed, and the activity said nothing
    clock.advance(SECOND)
    await worker.run_until_idle()

    assert await state(handle) == ("backoff", "HeartbeatTimeout")


async def test_heartbeat_timeouts_count_as_attempts(client: Client, clock: VirtualClock) -> None:
    worker, handle = await scheduled(client, heartbeat=5 * SECOND)
    for _ in range(3):
        claim(client)
        clock.advance(5 * SECOND)
        await worker.run_until_idle()
        clock.advance(SECOND)

    assert (await handle.result()).startswith("HeartbeatTimeout after 3: ")


async def test_the_time_of_an_attempt_ends_although_its_worker_hangs(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, timeout=10 * SECOND)
    zombie = claim(client)
    clock.advance(10 * SECOND)
    await worker.run_until_idle()
    assert await state(handle) == ("leased", None)  # its own worker has the first word

    clock.advance(SECOND)
    assert beat(client, zombie, None)  # the watchdog's thread lives
    await worker.run_until_idle()

    assert await state(handle) == ("backoff", "TimeoutError")
    assert not beat(client, zombie, None)


@pytest.mark.construct("a lost worker's attempt is taken over")
async def test_a_lost_worker_is_found_by_one_that_does_not_know_the_activity(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client)
    for expected in ("backoff", "backoff", "failed"):
        claim(client, owner="mortal", lease=SECOND)
        clock.advance(SECOND)
        await worker.run_until_idle()
        assert await state(handle) == (expected, "WorkerLost")

    assert (await handle.result()).startswith("WorkerLost after 3: ")
    assert "worker mortal stopped during the attempt" in await handle.result()


async def test_the_earliest_of_several_limits_names_the_error(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, heartbeat=3 * SECOND, timeout=20 * SECOND)
    claim(client, lease=10 * SECOND)
    clock.advance(HOUR)

    await worker.run_until_idle()

    assert await state(handle) == ("backoff", "HeartbeatTimeout")


async def test_a_limit_that_is_reached_is_reported_once(
    client: Client, clock: VirtualClock
) -> None:
    _, handle = await scheduled(client, schedule_to_close=SECOND)
    clock.advance(HOUR)

    ended = [client.database.write_now(limits.enforce, limit=10) for _ in range(3)]

    assert ended == [1, 0, 0]
    kinds = [turn.event.kind for turn in (await handle.history()).turns]
    assert kinds == ["run_started", "activity_failed"]


async def test_limits_of_an_activity_that_was_taken_back_do_nothing(
    client: Client, clock: VirtualClock
) -> None:
    worker, handle = await scheduled(client, schedule_to_close=SECOND)
    await handle.cancel()
    await worker.run_until_idle()
    clock.advance(HOUR)

    assert client.database.write_now(limits.enforce, limit=10) == 0
    assert await state(handle) == ("cancelled", None)


ended: list[str] = []
began = threading.Event()


@activity.define(name="silent", heartbeat=5 * SECOND, retry=Retry(max_attempts=1))
async def silent() -> None:
    began.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise


@activity.define(heartbeat=5 * SECOND, retry=Retry(max_attempts=1))
def silent_thread() -> None:
    began.set()
    while not activity.is_cancelled():
        threading.Event().wait(0.01)
    ended.append("stopped")


@workflow.define
async def waiting_for_silence() -> None:
    await silent()


@workflow.define
async def waiting_for_a_thread() -> None:
    await silent_thread()


@pytest.mark.parametrize(
    ("flow", "how"), [(waiting_for_silence, "cancelled"), (waiting_for_a_thread, "stopped")]
)
async def test_an_attempt_that_lost_its_lease_is_stopped_in_its_worker(
    client: Client, clock: VirtualClock, serve: Serve, flow: Any, how: str
) -> None:
    ended.clear()
    began.clear()
    serve(
        Worker(client, workflows=[flow], activities=[silent, silent_thread], lease=timedelta(seconds=9))
    )  # fmt: skip
    handle = await client.start(flow)
    await until(began.is_set, what="the attempt")

    clock.advance(5 * SECOND)
    await until(lambda: ended, what="the end of the attempt")

    assert ended == [how]
    with pytest.raises(RunFailedError, match="HeartbeatTimeout: no heartbeat within 5 s"):
        await handle.result(timeout=timedelta(seconds=20))


release = threading.Event()


@activity.define(heartbeat=timedelta(seconds=1), retry=Retry(max_attempts=1))
async def blocking() -> None:
    began.set()
    release.wait(60)  # a call that blocks the loop


@workflow.define
async def waiting_for_blocking() -> str:
    try:
        await blocking()
    except ActivityError as error:
        return error.type
    return "no error"


async def ended_state(handle: Any) -> tuple[str, str | None]:
    for _ in range(3000):
        seen = await state(handle)
        if seen[0] != "leased":
            return seen
        await asyncio.sleep(0.01)
    pytest.fail("the attempt still holds its lease")


async def test_a_worker_whose_loop_hangs_enforces_the_limits_from_its_other_thread(
    client: Client, clock: VirtualClock
) -> None:
    began.clear()
    release.clear()
    handle = await client.start(waiting_for_blocking)
    worker = Worker(
        client, workflows=[waiting_for_blocking], activities=[blocking], lease=timedelta(seconds=9)
    )
    thread = threading.Thread(target=lambda: asyncio.run(worker.run()))
    thread.start()
    try:
        assert await asyncio.to_thread(began.wait, 30)
        clock.advance(timedelta(seconds=1))
        seen = await ended_state(handle)
    finally:
        release.set()
        result = await handle.result(timeout=timedelta(seconds=30))
        worker.stop()
        await asyncio.to_thread(thread.join)

    assert seen == ("failed", "HeartbeatTimeout")
    assert result == "HeartbeatTimeout"


@activity.define(heartbeat=timedelta(milliseconds=600), retry=Retry(max_attempts=1))
async def beating() -> str:
    for number in range(40):
        activity.heartbeat(number)
        await asyncio.sleep(0.05)
    return "alive"


@workflow.define
async def waiting_for_beats() -> str:
    return await beating()


async def test_a_short_heartbeat_limit_is_kept_by_a_worker_with_a_long_lease(
    tmp_path: Any, serve: Serve
) -> None:
    async with Client(tmp_path / "real.db") as client:  # by the real clock
        worker = Worker(
            client, workflows=[waiting_for_beats], activities=[beating], lease=timedelta(minutes=1)
        )
        task = asyncio.create_task(worker.run())
        handle = await client.start(waiting_for_beats)

        result = await handle.result(timeout=timedelta(seconds=30))
        worker.stop()
        await task

    assert result == "alive"
