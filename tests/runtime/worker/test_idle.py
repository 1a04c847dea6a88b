"""A worker at rest misses nothing: its polls ask only whether anything changed or is due.

Its beats and its full look every few seconds would hide a wake-up that was lost, so here neither comes within an hour.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.runtime.processes import until

from holdfast import Client, RunHandle, Worker, _idling
from holdfast._store import activities as activity_verbs
from holdfast._store import runs
from holdfast._store.database import Tx
from holdfast.clock import VirtualClock
from holdfast.errors import DatabaseUnavailableError, RunFailedError, RunTimedOutError

HOUR = timedelta(hours=1)
LIMIT = timedelta(seconds=30)
Serve = Callable[..., Awaitable[Worker]]

CODE = """
import asyncio
import threading
from datetime import timedelta
from holdfast import Retry, activity, workflow

tried = 0
open_gate = None
thread_gate = threading.Event()
paid = workflow.Signal("paid", int)

@activity.define
async def double(number: int) -> int:
    return 2 * number

@activity.define(retry=Retry(initial=timedelta(milliseconds=300)))
async def second_time() -> int:
    global tried
    tried += 1
    if tried == 1:
        raise ValueError("the first attempt fails")
    return tried

@activity.define
async def gated(number: int) -> int:
    if number == 1:
        await open_gate.wait()
    return number

@activity.define(timeout=timedelta(milliseconds=200), retry=Retry(max_attempts=1))
def stubborn() -> None:
    thread_gate.wait(30)

@workflow.define
async def blocking() -> None:
    await stubborn()

@workflow.define
async def doubling(number: int) -> int:
    return await double(number)

@workflow.define
async def retrying() -> int:
    return await second_time()

@workflow.define
async def waiting(number: int) -> int:
    return await gated(number)

@workflow.define
async def napping(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "rested"

@workflow.define
async def approving() -> bool:
    return await workflow.approval("refund", ask="Refund?", to=["ops"], answer=bool)

@workflow.define
async def receiving() -> int:
    return await paid.receive()
"""


@pytest.fixture
def code(module: Callable[[str, str], ModuleType]) -> Any:
    return module("idle_code", CODE)


@pytest.fixture
def client(tmp_path: Path) -> Any:
    """Take the place of the client with a virtual clock: here time passes by itself."""
    made = Client(tmp_path / "holdfast.db")
    yield made
    made.close()


@pytest.fixture
async def serve(client: Client, code: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Let a worker serve until the test ends, and return it once it is at rest."""
    monkeypatch.setattr(_idling, "LONGEST_REST", 3600.0)
    serving: list[tuple[Client, Worker, asyncio.Task[None]]] = []

    async def begin(
        of: Client = client, *, poll: timedelta = timedelta(milliseconds=20), slots: int = 20
    ) -> Worker:
        worker = Worker(
            of,
            workflows=[code.doubling, code.retrying, code.waiting, code.napping, code.approving, code.receiving, code.blocking],
            activities=[code.double, code.second_time, code.gated, code.stubborn], lease=HOUR, poll=poll, slots=slots,
        )  # fmt: skip
        serving.append((of, worker, asyncio.create_task(worker.run())))
        await at_rest(worker)
        return worker

    yield begin
    for of, worker, task in serving:
        worker.stop()
        await task
        of.close()


async def at_rest(worker: Worker) -> None:
    """Wait until a worker has seen everything that is committed, and found nothing to do."""
    deadline = time.monotonic() + LIMIT.total_seconds()
    while worker._rest is None or worker._rest.changes != await worker._database.changes():
        assert time.monotonic() < deadline, f"waited {LIMIT} for a rest"
        await asyncio.sleep(0.01)


async def parked(client: Client, worker: Worker, run: str) -> None:
    """Wait until a run waits for something from outside, and the worker knows that it is the only thing to do."""
    deadline = time.monotonic() + LIMIT.total_seconds()
    while not ((found := (await client.describe(run)).evidence).waits or found.approvals):
        assert time.monotonic() < deadline, f"waited {LIMIT} for {run} to park"
        await asyncio.sleep(0.01)
    await at_rest(worker)


def elsewhere(folder: Path, statement: str) -> None:
    """Do something in another process, through the public client."""
    script = (
        "import asyncio\nfrom holdfast import Client\n"
        "async def main():\n    async with Client('holdfast.db') as client:\n"
        f"        {statement}\nasyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, timeout=30)


# What somebody else commits


async def test_a_run_that_another_process_starts_is_taken_up(
    tmp_path: Path, client: Client, serve: Serve
) -> None:
    await serve()

    await asyncio.to_thread(
        elsewhere, tmp_path, "await client.start('idle_code:doubling', 4, id='r')"
    )

    assert await client.get("r").result(timeout=LIMIT) == 8


async def test_a_signal_of_another_process_wakes_its_run(
    tmp_path: Path, client: Client, serve: Serve, code: Any
) -> None:
    worker = await serve()
    handle: RunHandle[int] = await client.start(code.receiving, id="r")
    await parked(client, worker, "r")

    await asyncio.to_thread(
        elsewhere,
        tmp_path,
        "import idle_code; await client.get('r').signal(idle_code.paid, 7)",
    )

    assert await handle.result(timeout=LIMIT) == 7


async def test_a_decision_of_another_process_wakes_its_run(
    tmp_path: Path, client: Client, serve: Serve, code: Any
) -> None:
    worker = await serve()
    handle: RunHandle[bool] = await client.start(code.approving, id="r")
    await parked(client, worker, "r")

    await asyncio.to_thread(
        elsewhere, tmp_path, "await client.get('r').decide('refund', answer=True, by='ana')"
    )

    assert await handle.result(timeout=LIMIT) is True


@pytest.mark.parametrize("connection", ["the same", "another"])
async def test_what_is_started_in_the_same_process_is_taken_up(
    tmp_path: Path, client: Client, serve: Serve, code: Any, connection: str
) -> None:
    await serve()

    async with contextlib.AsyncExitStack() as stack:
        other = client
        if connection == "another":
            other = await stack.enter_async_context(Client(tmp_path / "holdfast.db"))
        for number in range(20):
            handle: RunHandle[int] = await other.start(code.doubling, number)
            assert await handle.result(timeout=LIMIT) == 2 * number


async def test_an_in_memory_database_wakes_its_worker_too(serve: Serve, code: Any) -> None:
    client = Client("sqlite://")
    await serve(client)

    handle: RunHandle[int] = await client.start(code.doubling, 4)

    assert await handle.result(timeout=LIMIT) == 8


async def test_a_resumed_run_goes_on(client: Client, serve: Serve, code: Any) -> None:
    worker = await serve()
    handle: RunHandle[bool] = await client.start(code.approving, id="r")
    await parked(client, worker, "r")
    await handle.pause(by="ana")
    await handle.decide("refund", answer=True, by="ana")
    await at_rest(worker)

    await handle.resume()

    assert await handle.result(timeout=LIMIT) is True


# What becomes due


async def test_a_timer_fires_when_it_is_due(client: Client, serve: Serve, code: Any) -> None:
    await serve()

    handle: RunHandle[str] = await client.start(code.napping, 0.3)

    assert await handle.result(timeout=LIMIT) == "rested"


async def test_a_failed_attempt_is_tried_again_after_its_pause(
    client: Client, serve: Serve, code: Any
) -> None:
    await serve()

    handle: RunHandle[int] = await client.start(code.retrying)

    assert await handle.result(timeout=LIMIT) == 2


async def test_a_delayed_run_starts_in_time(client: Client, serve: Serve, code: Any) -> None:
    await serve()

    handle: RunHandle[int] = await client.start(
        code.doubling, 4, start_at=datetime.now(UTC) + timedelta(milliseconds=300)
    )

    assert await handle.result(timeout=LIMIT) == 8


async def test_a_run_whose_time_is_up_is_ended(client: Client, serve: Serve, code: Any) -> None:
    await serve()

    handle: RunHandle[bool] = await client.start(
        code.approving, timeout=timedelta(milliseconds=300)
    )

    with pytest.raises(RunTimedOutError):
        await handle.result(timeout=LIMIT)


async def test_a_run_whose_worker_died_is_taken_over_when_its_lease_ends(
    client: Client, serve: Serve, code: Any
) -> None:
    handle: RunHandle[int] = await client.start(code.doubling, 4)
    await client.database.write(
        runs.claim_runs, worker="dead", queue="default", fingerprints={"doubling": ""}, limit=1,
        lease_ms=400,
    )  # fmt: skip

    await serve()

    assert await handle.result(timeout=LIMIT) == 8


async def test_an_activity_whose_worker_died_is_taken_over_when_its_lease_ends(
    client: Client, serve: Serve, code: Any
) -> None:
    handle: RunHandle[int] = await client.start(code.doubling, 4)
    await Worker(client, workflows=[code.doubling]).run_until_idle()
    claimed = await client.database.write(
        activity_verbs.claim_activities, worker_id="dead", queue="default", names=["double"], limit=1,
        lease_ms=400,
    )  # fmt: skip
    assert len(claimed) == 1

    await serve()

    assert await handle.result(timeout=LIMIT) == 8


async def test_a_virtual_clock_that_moves_wakes_the_worker(
    tmp_path: Path, serve: Serve, code: Any
) -> None:
    clock = VirtualClock()
    client = Client(tmp_path / "virtual.db", clock=clock)
    worker = await serve(client)
    handle: RunHandle[str] = await client.start(code.napping, 86_400)
    await parked(client, worker, handle.id)

    clock.advance(timedelta(days=2))

    assert await handle.result(timeout=LIMIT) == "rested"


# What the worker itself does


async def test_a_slot_that_is_free_again_is_used_at_once(
    client: Client, serve: Serve, code: Any
) -> None:
    code.open_gate = asyncio.Event()
    worker = await serve(slots=1, poll=timedelta(milliseconds=20))
    first: RunHandle[int] = await client.start(code.waiting, 1)
    await until(lambda: worker._carrier.running, what="the first activity")
    second: RunHandle[int] = await client.start(code.waiting, 2)
    await at_rest(worker)

    code.open_gate.set()

    assert await second.result(timeout=LIMIT) == 2
    assert await first.result(timeout=LIMIT) == 1


async def test_a_thread_that_ends_after_its_attempt_gives_its_slot_back(
    client: Client, serve: Serve, code: Any
) -> None:
    worker = await serve(slots=1)
    first: RunHandle[None] = await client.start(code.blocking)
    with pytest.raises(RunFailedError):
        await first.result(timeout=LIMIT)
    second: RunHandle[int] = await client.start(code.doubling, 4)
    await until(lambda: worker.busy_threads == 1, what="the thread")
    await at_rest(worker)

    code.thread_gate.set()  # nothing is committed when it ends

    assert await second.result(timeout=LIMIT) == 8


async def test_the_end_of_an_activity_cuts_a_long_pause_short(
    client: Client, serve: Serve, code: Any
) -> None:
    code.open_gate = asyncio.Event()
    handle: RunHandle[int] = await client.start(code.waiting, 1)
    worker = await serve(poll=HOUR)
    await until(lambda: worker._carrier.running, what="the activity")
    await at_rest(worker)

    code.open_gate.set()

    assert await handle.result(timeout=LIMIT) == 1


# What the database says of changes


@pytest.mark.parametrize("place", ["changes.db", "sqlite://"])
async def test_only_a_commit_that_changes_something_counts(tmp_path: Path, place: str) -> None:
    async with Client(place if "://" in place else tmp_path / place) as client:
        database = client.database
        before = await database.changes()

        await database.read(lambda tx: tx.now)
        await database.write(runs.hand_back, [])
        assert await database.changes() == before

        await database.write(_register, "w")
        assert await database.changes() != before


async def test_a_commit_of_another_connection_counts(tmp_path: Path) -> None:
    async with Client(tmp_path / "c.db") as client, Client(tmp_path / "c.db") as other:
        before = await client.database.changes()

        await other.database.write(_register, "w")

        assert await client.database.changes() != before


async def test_a_database_that_was_removed_is_noticed_at_rest(tmp_path: Path) -> None:
    async with Client(tmp_path / "c.db") as client:
        await client.database.changes()
        (tmp_path / "c.db").rename(tmp_path / "moved.db")

        with pytest.raises(DatabaseUnavailableError, match="was removed or replaced"):
            await client.database.changes()


def _register(tx: Tx, worker: str) -> None:
    activity_verbs.register_worker(
        tx, {"id": worker, "host": "h", "pid": 1, "queue": "q", "workflows": b"{}", "activities": b"[]", "slots": 1}
    )  # fmt: skip
