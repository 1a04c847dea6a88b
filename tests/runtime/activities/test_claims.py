"""Which activities a worker may take, and the key under which the outside world knows them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from holdfast import Client, Retry, Worker, activity, workflow
from holdfast._store import activities
from holdfast._store.database import Tx
from holdfast._store.records import ActivityClaim
from holdfast._store.scheduling import insert_activity
from holdfast._store.tables import run
from holdfast.clock import VirtualClock

SECOND = timedelta(seconds=1)


@activity.define(retry=Retry(max_attempts=1))
async def step() -> str:
    return activity.idempotency_key()


@workflow.define
async def flow() -> str:
    return await step()


def change_run(tx: Tx, /, run_id: str, **values: Any) -> None:
    tx.conn.execute(update(run).where(run.c.id == run_id).values(**values))


def claims(client: Client) -> list[ActivityClaim]:
    return client.database.write_now(
        activities.claim_activities, worker_id="w", queue="default", names=["step"], limit=9, lease_ms=1_000
    )  # fmt: skip


async def test_a_fork_uses_the_keys_of_the_run_that_it_comes_from(client: Client) -> None:
    handle = await client.start(flow, id="fork")
    client.database.write_now(change_run, "fork", lineage="original")

    await Worker(client, workflows=[flow], activities=[step]).run_until_idle()

    assert await handle.result() == "original/1"


async def test_an_activity_can_use_the_key_of_another_command(client: Client) -> None:
    await client.start(flow, id="r")
    client.database.write_now(
        insert_activity, run_id="r", seq=-1, name="step", args=[], options=step.definition.options.to_json(),
        queue="default", site="", key_seq=4,
    )  # fmt: skip

    assert [(claim.seq, claim.key) for claim in claims(client)] == [(-1, "r/4")]


async def test_a_paused_run_starts_no_attempt_and_has_none_due(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(flow, id="r")
    advancing = Worker(client, workflows=[flow])
    await advancing.run_until_idle()
    assert await advancing.next_due() == clock.now_ms
    client.database.write_now(change_run, "r", paused_at=clock.now_ms)

    assert claims(client) == []
    assert await advancing.next_due() is None
    client.database.write_now(change_run, "r", paused_at=None)
    assert len(claims(client)) == 1


async def test_a_run_that_is_ending_carries_its_activities_out_although_it_was_paused(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(flow, id="r")
    await Worker(client, workflows=[flow]).run_until_idle()
    client.database.write_now(change_run, "r", paused_at=clock.now_ms, ending="cancelled")

    assert len(claims(client)) == 1
