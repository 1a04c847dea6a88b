"""Every statement of the hot path names the run or the queue that it is about, so that one shard can answer it."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from tests.statements import recorded

from holdfast import Client, Worker, activity, workflow
from holdfast.clock import VirtualClock

NOTE = workflow.Signal("note", str)
SIZE = workflow.Update("size", int, int)


@activity.define
async def pack(number: int) -> int:
    activity.heartbeat(number)
    return number


@activity.define(effect="once")
async def pay(number: int) -> int:
    return number


@workflow.define
async def part(number: int) -> int:
    return await pack(number)


@workflow.define(patches=("express",))
async def parcel(number: int) -> int:
    SIZE.handle(lambda more: number + more)
    workflow.publish("stage", "packing")
    workflow.set_attributes({"customer": "acme"})
    if workflow.patched("express"):
        await pay(number)
    workflow.compensate(pack, number)
    await asyncio.gather(pack(1), asyncio.sleep(1), workflow.run_child(part, 3))
    await NOTE.receive()
    await workflow.approval("send", ask="Send it?", to=["ops"], answer=bool)
    return number


# Its rows are about the run that is named, or about the queue: alone or in a list, or as what is inserted.
_RUN = r"(run_id|first_run|lineage|child|(archived_)?run\.id)"
_NAMES = re.compile(
    rf"\b({_RUN}|(run|activity)\.queue|queue\.name) (=|IN) |INSERT INTO (\w+) \((run_id|first_run|id), "
)
# What is asked of no run and of no queue, and why that needs no second shard.
ELSEWHERE = {
    r"BEGIN|SELECT CAST\(.*julianday|SELECT .*clock_timestamp": "the clock and the transaction itself",
    r"SELECT (CAST\(|xid, )?pg_|SELECT set_config|SET |SHOW ": "the connection itself",
    r"(SELECT .* FROM|DELETE FROM|UPDATE|INSERT INTO) worker ": "the registry of workers: one small table that every node has",
    r"SELECT .*FROM (schedule|schedule_tick|key_limit) ": "schedules and limits: small tables that every node has",
    r"SELECT .*FROM (wait|activity|run) WHERE .*(fire_at|deadline_at) (<=|>) \S+( ORDER BY|$)": (
        "the sweep for what is due, by time: each shard is swept by itself, in any order"
    ),
}


@pytest.mark.timeout(120)
async def test_every_hot_statement_names_the_run_or_the_queue(
    client: Client, clock: VirtualClock
) -> None:
    worker = Worker(client, workflows=[parcel, part], activities=[pack, pay])
    await worker.run_until_idle()  # what is read once by each process is not hot
    with recorded() as statements:
        handle = await client.start(parcel, 1, id="p", attributes={"size": 2})
        await worker.run_until_idle()
        clock.advance(timedelta(seconds=2))
        await worker.run_until_idle()
        await client.signal("p", NOTE, "ready", message="m")
        await worker.run_until_idle()
        update = asyncio.create_task(handle.update(SIZE, 4))
        while not update.done():
            await worker.run_until_idle()
            await asyncio.sleep(0)
        assert await update == 5
        answer = True
        await handle.decide("send", answer, by="ops")
        await worker.run_until_idle()
        assert await handle.result() == 1

    lost = [statement for statement in statements.seen if not _one_shard(statement)]
    assert lost == []
    assert len(statements.seen) > 50


def _one_shard(statement: str) -> bool:
    return bool(_NAMES.search(statement)) or any(map(_matches(statement), ELSEWHERE))


def _matches(statement: str) -> Any:
    return lambda pattern: re.match(pattern, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT run.id FROM run WHERE run.task_state = ?",
        "SELECT activity.seq FROM activity WHERE activity.closed_at IS NULL",
        "UPDATE command SET body=? WHERE command.name = ?",
    ],
)
def test_a_statement_about_every_run_is_told_apart(statement: str) -> None:
    assert not _one_shard(statement)
