"""What an attempt said last is what the next one reads: after an error, a crash, and on another worker."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from holdfast import Client, Retry, Worker, activity, workflow
from holdfast._store import activities, limits
from holdfast._store.records import ActivityClaim, Heartbeat
from holdfast.clock import VirtualClock
from holdfast.errors import PayloadError

Drive = Callable[..., Awaitable[None]]
SECOND = timedelta(seconds=1)
read: list[Any] = []


@dataclass(frozen=True)
class Page:
    number: int


@pytest.fixture(autouse=True)
def _nothing_read() -> None:
    read.clear()


@activity.define(retry=Retry(max_attempts=3))
async def paging() -> int:
    done = activity.heartbeat_details(Page)
    read.append(done)
    page = 0 if done is None else done.number
    activity.heartbeat(Page(page + 1))
    activity.heartbeat(Page(page + 10))
    if page < 20:
        raise ConnectionError("lost")
    return page


@workflow.define
async def flow() -> int:
    return await paging()


@pytest.mark.construct("activity.heartbeat_details")
async def test_the_next_attempt_reads_the_last_details_of_one_that_failed(
    client: Client, drive: Drive
) -> None:
    handle = await client.start(flow, id="r")

    await drive(Worker(client, workflows=[flow], activities=[paging]), "r", until="closed.completed")  # fmt: skip

    assert read == [None, Page(10), Page(20)]
    assert await handle.result() == 20


def claim(client: Client) -> ActivityClaim:
    client.database.write_now(limits.enforce, limit=10)
    return client.database.write_now(
        activities.claim_activities, worker_id="w", queue="default", names=["paging"], limit=9, lease_ms=1_000
    )[0]  # fmt: skip


def beat(client: Client, mine: ActivityClaim, sign: Heartbeat | None) -> None:
    client.database.write_now(
        activities.beat, "w", loop_age_ms=0, stack=None, busy=1, lease_ms=1_000, runs=[], activities=[(mine, sign)]
    )  # fmt: skip


async def test_details_outlive_workers_that_vanish_and_heartbeats_without_details(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(flow)
    await Worker(client, workflows=[flow]).run_until_idle()
    first = claim(client)
    beat(client, first, Heartbeat(details={"number": 7}))
    beat(client, first, Heartbeat(details=None))
    clock.advance(2 * SECOND)
    second = claim(client)
    clock.advance(2 * SECOND)

    third = claim(client)

    assert [found.details for found in (first, second, third)] == [None, {"number": 7}, {"number": 7}]  # fmt: skip
    row = (await handle.describe()).activities[0]
    assert (row.heartbeat, row.heartbeat_at) == ({"number": 7}, None)


async def test_a_worker_that_is_stopped_hands_the_details_on(client: Client) -> None:
    await client.start(flow)
    await Worker(client, workflows=[flow]).run_until_idle()
    mine = claim(client)

    client.database.write_now(
        activities.give_up_attempts, [(mine, Heartbeat(details={"number": 3}))]
    )

    assert claim(client).details == {"number": 3}


@activity.define(retry=Retry(max_attempts=1))
async def misreading() -> str:
    activity.heartbeat({"number": "none"})
    return "never mind"


async def test_outside_a_run_there_are_no_details_and_heartbeats_do_nothing() -> None:
    assert await misreading() == "never mind"
    assert activity.heartbeat_details() is None
    assert activity.heartbeat_details(Page) is None
    assert not activity.is_cancelled()


@activity.define(name="changed", retry=Retry(initial=timedelta(0), max_attempts=2))
async def changing() -> None:
    read.append(activity.info().heartbeat_details)
    try:
        activity.heartbeat_details(Page)
    except PayloadError as error:
        read.append(error.message)
    activity.heartbeat({"number": "two"})
    raise ConnectionError("lost")


@workflow.define
async def changed() -> None:
    await changing()


async def test_details_that_no_longer_decode_say_so_and_can_be_read_as_they_are(
    client: Client,
) -> None:
    await client.start(changed)

    await Worker(client, workflows=[changed], activities=[changing]).run_until_idle()

    assert read[:2] == [None, {"number": "two"}]
    assert "The heartbeat details of changed does not decode as Page: number:" in read[2]


@activity.define(retry=Retry(initial=timedelta(0), max_attempts=2))
def in_thread() -> int:
    seen: int | None = activity.heartbeat_details(int)
    activity.heartbeat(41 if seen is None else seen + 1)
    if seen is None:
        raise ConnectionError("lost")
    return seen


@workflow.define
async def threaded() -> int:
    return await in_thread()


async def test_a_thread_beats_and_reads_like_a_coroutine(client: Client) -> None:
    handle = await client.start(threaded)

    await Worker(client, workflows=[threaded], activities=[in_thread]).run_until_idle()

    assert await handle.result() == 41
    assert (await handle.describe()).activities[0].heartbeat == 41


@activity.define(retry=Retry(initial=timedelta(0), max_attempts=2))
async def remembering() -> int:
    seen: set[int] = activity.heartbeat_details(set[int]) or set()
    pages = {4, 9} | seen
    if not seen:
        for details in (pages, [Page(1)], {"at": timedelta(1)}):
            with pytest.raises(PayloadError, match=r"Say its type, for example activity.heartbeat"):
                activity.heartbeat(details)
        activity.heartbeat(pages, type=set[int])
        raise ConnectionError("lost")
    return len(seen)


@workflow.define
async def remembered() -> int:
    return await remembering()


async def test_details_that_are_no_plain_json_come_back_by_their_type_or_are_refused(
    client: Client,
) -> None:
    handle = await client.start(remembered)

    await Worker(client, workflows=[remembered], activities=[remembering]).run_until_idle()

    assert await handle.result() == 2
