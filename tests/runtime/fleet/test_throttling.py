"""Limits of queues and keys hold over all workers, can be changed while they work, and are named by what they hold back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from holdfast import Client, Limit, Rate, RunHandle, Worker, activity, workflow
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.errors import ArgumentError, UsageError

SECOND = timedelta(seconds=1)
begun: list[Any] = []
gates: list[asyncio.Event] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    begun.clear()
    gates[:] = [asyncio.Event()]  # it belongs to the loop of one test


@activity.define
async def held(name: str) -> str:
    begun.append(name)
    await gates[-1].wait()
    return name


@activity.define
async def quick(name: str) -> str:
    begun.append(name)
    return name


@activity.define(limit=Limit("crm", rate=Rate(1, per=10 * SECOND)))
async def rated(name: str) -> str:
    begun.append(name)
    return name


@workflow.define
async def holding(name: str) -> str:
    return await held(name)


@workflow.define
async def for_customer(customer: str, name: str) -> str:
    return await held.with_options(limit=Limit(f"crm:{customer}", 2))(name)


@workflow.define
async def calling(name: str) -> str:
    return await quick(name)


@workflow.define
async def urgent(name: str) -> str:
    return await quick.with_options(priority=1)(name)


@workflow.define
async def rating(name: str) -> str:
    return await rated(name)


FLOWS: list[workflow.Workflow[Any, Any]] = [holding, for_customer, calling, urgent, rating]
STEPS: list[activity.Activity[..., Any]] = [held, quick, rated]


@asynccontextmanager
async def fleet(client: Client, size: int = 2, **options: Any) -> AsyncIterator[list[Worker]]:
    """Be workers that take work only when a test says so, and let them finish at the end."""
    workers = [Worker(client, workflows=FLOWS, activities=STEPS, **options) for _ in range(size)]
    for worker in workers:
        await worker._register()
    yield workers
    gates[-1].set()
    for worker in workers:
        await worker.run_until_idle()


async def look(workers: list[Worker]) -> None:
    """Let workers take what they may, until none finds anything."""
    while any([await worker._step() for worker in workers]):
        for worker in workers:
            await asyncio.wait_for(started(worker), 30)


async def started(worker: Worker) -> None:
    """Let the attempts that a worker has begun come to where they wait or end."""
    for _ in range(len(worker._carrier.running) * 3):
        await asyncio.sleep(0)


async def why(client: Client, run: str) -> tuple[str, str]:
    verdict = (await client.describe(run)).summary.verdict
    return verdict.code, verdict.why


# Concurrency


@pytest.mark.construct("Client.set_queue", "Client.queues")
async def test_a_queue_runs_no_more_activities_than_it_may_over_all_workers(client: Client) -> None:
    await client.set_queue("default", activities=3)
    for number in range(6):
        await client.start(holding, f"n{number}", id=f"r{number}")
    async with fleet(client) as workers:
        await look(workers)
        assert len(begun) == 3
        assert await why(client, "r5") == (
            "wait.concurrency",
            "Waits for a place under the limit of queue default: 3 of 3 run, held by r0, r1, r2.",
        )

        await client.set_queue("default", activities=5)
        await look(workers)
        assert len(begun) == 5

        await client.set_queue("default", activities=None)
        await look(workers)
        assert len(begun) == 6
        (state,) = await client.queues()
        assert (state.running_activities, state.ready_activities) == (6, 0)


async def test_other_queues_are_not_limited(client: Client) -> None:
    await client.set_queue("default", activities=1)
    for number in range(3):
        await client.start(holding, f"n{number}", queue="other")
    async with fleet(client, queue=["default", "other"]) as workers:
        await look(workers)

        assert len(begun) == 3


@pytest.mark.construct("activity.define(limit=)")
async def test_a_key_is_full_while_work_behind_it_goes_on(client: Client) -> None:
    for number in range(30):
        await client.start(for_customer, "acme", f"acme{number}", id=f"acme{number}")
    await client.start(for_customer, "bell", "bell", id="bell")
    async with fleet(client, slots=4) as workers:
        await look(workers)

        assert sorted(begun) == ["acme0", "acme1", "bell"]
        code, text = await why(client, "acme2")
        assert code == "wait.concurrency"
        assert (
            text
            == "Waits for a place under the limit of crm:acme: 2 of 2 run, held by acme0, acme1."
        )
        gates[-1].set()
        await asyncio.wait([task for worker in workers for task in worker._carrier.running])
        gates.append(asyncio.Event())
        await look(workers)
        assert len(begun) == 5


@pytest.mark.construct("Client.set_limit", "Client.reset_limit", "Client.limits")
async def test_a_limit_set_by_hand_takes_the_place_of_the_code(client: Client) -> None:
    for number in range(6):
        await client.start(for_customer, "acme", f"n{number}")
    await client.set_limit("crm:acme", at_once=1)
    async with fleet(client) as workers:
        await look(workers)
        assert len(begun) == 1

        await client.set_limit("crm:acme", at_once=None)
        await look(workers)
        assert len(begun) == 6
        (state,) = await client.limits()
        assert (state.name, state.by_hand, state.running) == ("crm:acme", True, 6)

        await client.reset_limit("crm:acme")
        await client.start(for_customer, "acme", "more", id="more")
        await look(workers)
        assert (await why(client, "more"))[0] == "wait.concurrency"
        with pytest.raises(UsageError, match="was not set by hand"):
            await client.reset_limit("crm:acme")


async def test_a_queue_advances_no_more_runs_than_it_may(client: Client) -> None:
    await client.set_queue("default", tasks=2)
    for number in range(4):
        await client.start(calling, f"n{number}", id=f"r{number}")
    async with fleet(client) as (one, two):
        _, first, _ = await client.database.write(one._claim_work, free=0)
        _, second, _ = await client.database.write(two._claim_work, free=0)

        assert (len(first), len(second)) == (2, 0)
        assert await why(client, "r3") == (
            "wait.concurrency",
            "Waits for a place under the limit of queue default: 2 of 2 run.",
        )
        await one._take_on(0, first, [])


@activity.define(limit=Limit("narrow", 2))
async def narrow(number: int) -> int:
    begun.append(number)
    here.append(len(begun) - len(done))
    await asyncio.sleep(0)
    done.append(number)
    return number


@workflow.define
async def narrowing(number: int) -> int:
    return await narrow(number)


here: list[int] = []
done: list[int] = []


async def test_three_workers_at_work_never_run_more_than_a_key_allows(tmp_path: Any) -> None:
    here.clear()
    done.clear()
    async with Client(tmp_path / "n.db") as client, asyncio.timeout(60):
        handles: list[RunHandle[int]] = [await client.start(narrowing, n) for n in range(24)]
        workers = [Worker(client, workflows=[narrowing], activities=[narrow]) for _ in range(3)]
        serving = [asyncio.create_task(worker.run()) for worker in workers]

        assert [await handle.result() for handle in handles] == list(range(24))
        assert max(here) <= 2
        assert len(done) == 24
        for worker in workers:
            worker.stop()
        await asyncio.gather(*serving)


async def test_a_look_at_what_limits_hold_back_wakes_no_other_worker(postgres_url: str) -> None:
    async with Client(postgres_url) as client:
        await client.set_queue("other", activities=1)
        for number in range(3):
            await client.start(for_customer, "acme", f"acme{number}")
            await client.start(holding, f"n{number}", queue="other")
        async with fleet(client, 1, queue=["default", "other"]) as workers:
            await look(workers)
            assert len(begun) == 3
            channel = client.database._backend._channel  # type: ignore[attr-defined]
            with psycopg.connect(postgres_url, autocommit=True) as ears:
                ears.execute(f'LISTEN "{channel}"')
                for _ in range(3):
                    assert not await workers[0]._step()
                ears.execute(f"NOTIFY \"{channel}\", 'after the looks'")

                heard = [news.payload for news in ears.notifies(timeout=10, stop_after=1)]

            assert heard == ["after the looks"]


# Rates


@pytest.mark.parametrize(
    ("burst", "expected"), [(1, [0, 250, 500, 750, 1000]), (3, [0, 0, 0, 250, 500])]
)
def test_a_rate_lets_work_start_evenly_after_its_burst(burst: int, expected: list[int]) -> None:
    rate, full_at, now = Rate(4, per=SECOND, burst=burst), 0.0, 10_000
    starts: list[int] = []
    while len(starts) < 5:
        if rate.room(full_at, now):
            full_at = rate.after(full_at, now, 1)
            starts.append(now - 10_000)
        else:
            now = rate.free_at(full_at)

    assert starts == expected


def test_an_uneven_rate_is_exact_in_the_long_run_and_never_late_for_ever() -> None:
    rate, full_at, now = Rate(3, per=SECOND), 0.0, 1_700_000_000_123
    began = now
    for _ in range(3_000):
        now = max(now, rate.free_at(full_at))
        assert rate.room(full_at, now) == 1
        full_at = rate.after(full_at, now, 1)

    assert 999_000 <= now - began <= 1_003_000


async def test_a_queue_starts_no_more_than_its_rate_allows_and_foresees_the_next(
    client: Client, clock: VirtualClock
) -> None:
    await client.set_queue("default", rate=Rate(2, per=SECOND))
    for number in range(3):
        await client.start(calling, f"n{number}", id=f"r{number}")
    async with fleet(client) as workers:
        await look(workers)
        assert begun == ["n0"]
        assert await why(client, "r2") == (
            "wait.rate_limit", "The rate of queue default, 2/s, lets the next one start in 500 ms.",
        )  # fmt: skip
        rested = await client.database.write(workers[0]._claim_or_foresee, free=9)
        assert rested == ((0, [], []), 500)

        clock.advance(timedelta(milliseconds=500))
        await look(workers)
        assert begun == ["n0", "n1"]


async def test_a_key_starts_no_more_than_its_rate_allows_and_foresees_the_next(
    client: Client, clock: VirtualClock
) -> None:
    for number in range(3):
        await client.start(rating, f"n{number}", id=f"r{number}")
    worker = Worker(client, workflows=FLOWS, activities=STEPS, queue=["default", "other"])
    starts: list[tuple[int, int]] = []
    for _ in range(3):
        await worker.run_until_idle()
        starts.append((clock.now_ms, len(begun)))
        _, due = await client.database.write(worker._claim_or_foresee, free=9)
        clock.advance(timedelta(milliseconds=due or 0))

    assert [(at - starts[0][0], count) for at, count in starts] == [
        (0, 1),
        (10_000, 2),
        (20_000, 3),
    ]


async def test_a_worker_at_rest_is_woken_when_a_place_gets_free_elsewhere(tmp_path: Any) -> None:
    async with Client(tmp_path / "w.db") as client, asyncio.timeout(30):
        await client.set_queue("default", activities=1)
        workers = [
            Worker(client, workflows=FLOWS, activities=STEPS, lease=timedelta(hours=1))
            for _ in range(2)
        ]
        serving = [asyncio.create_task(worker.run()) for worker in workers]
        handles: list[RunHandle[str]] = [await client.start(holding, f"n{n}") for n in range(4)]
        gates[-1].set()

        assert [await handle.result() for handle in handles] == ["n0", "n1", "n2", "n3"]
        for worker in workers:
            worker.stop()
        await asyncio.gather(*serving)


# Priority and pauses


@pytest.mark.construct("Client.start(priority=)", "activity.define(priority=)", "activity.Activity")
async def test_the_smaller_priority_goes_first(client: Client) -> None:
    await client.start(calling, "usual")
    await client.start(calling, "last", priority=9)
    await client.start(calling, "first", priority=2)
    await client.start(urgent, "urgent step")
    async with fleet(client, 1, slots=1) as (worker,):
        _, claims, _ = await client.database.write(worker._claim_work, free=0)
        await worker._take_on(0, claims, [])
        for _ in range(4):
            await worker._step()
            await asyncio.gather(*worker._carrier.running)

    assert begun == ["urgent step", "first", "usual", "last"]


@pytest.mark.parametrize("priority", [0, 10, True])
async def test_a_priority_is_a_number_from_1_to_9(client: Client, priority: int) -> None:
    with pytest.raises(ArgumentError, match=r"expected 1, which goes first, to 9"):
        await client.start(calling, "x", priority=priority)
    with pytest.raises(ArgumentError, match=r"expected 1, which goes first, to 9"):
        quick.with_options(priority=priority)


@pytest.mark.construct("Client.pause_queue", "Client.resume_queue")
async def test_nothing_of_a_paused_queue_begins_until_it_is_resumed(client: Client) -> None:
    await client.pause_queue("default", by="ana", reason="the API is down")
    handle = await client.start(calling, "x", id="r")
    async with fleet(client) as workers:
        await look(workers)
        code, text = await why(client, "r")
        assert code == "human.queue_paused"
        assert text == "The queue default was paused by ana 0 s ago: the API is down."

        await client.resume_queue("default")
        for worker in workers:
            await worker.run_until_idle()

        assert await handle.result() == "x"
        with pytest.raises(UsageError, match="is not paused"):
            await client.resume_queue("default")


# Wrong input, and the command line


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limit("x"),
        lambda: Limit("", 1),
        lambda: Limit("x", 0),
        lambda: Rate(0, per=SECOND),
        lambda: Rate(1, per=timedelta(0)),
        lambda: Rate(1, per=SECOND, burst=0),
        lambda: Rate.parse("10 per s"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected|limits nothing"):
        make()


@pytest.mark.parametrize("text", ["10/s", "100/min", "3/10s", "5/h", "1/2d"])
def test_a_rate_is_read_as_it_is_written(text: str) -> None:
    assert str(Rate.parse(text)) == text


def shell(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    return result.output


def test_queues_and_limits_are_set_and_shown_from_the_shell(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_DB", str(tmp_path / "q.db"))

    assert shell("queue", "set", "gpu", "--activities", "4", "--rate", "10/s") == "gpu: set\n"
    assert shell("queue", "set", "gpu", "--tasks", "2", "--rate", "none") == "gpu: set\n"
    shell("queue", "pause", "gpu", "--by", "ana", "--reason", "heat")
    shell("limit", "set", "crm", "--at-once", "3", "--rate", "5/min", "--burst", "2")

    assert shell("queue", "show", "gpu") == (
        "gpu  0 of 4 activities run, 0 due; 0 of 2 runs advance, 0 due; paused by ana: heat\n"
    )
    assert shell("queue", "list") == shell("queue", "show", "gpu")
    assert shell("limit", "list") == "crm  0 of 3 run; rate 5/min burst 2; set by hand\n"
    assert shell("queue", "resume", "gpu") == "gpu: resumed\n"
    assert shell("limit", "reset", "crm") == "crm: what the code says\n"
    assert "There is no queue 'cpu'" in shell("queue", "show", "cpu")
    assert "Nothing to change: give --activities" in shell("queue", "set", "gpu")
    assert "expected a number, or none" in shell("queue", "set", "gpu", "--tasks", "many")
    assert "expected a whole number, 1 or more" in shell("queue", "set", "gpu", "--tasks", "0")
