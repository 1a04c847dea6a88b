"""A worker that lost its lease commits nothing, and nothing is recorded twice."""

import asyncio
from datetime import timedelta

import pytest

from holdfast import Client, Worker, activity, workflow
from holdfast._store import activities, attempts, events, limits, runs
from holdfast._store.records import ActivityClaim, RunClaim
from holdfast.clock import VirtualClock
from holdfast.errors import LeaseLostError
from holdfast.history import CompleteRun, Failure

LEASE_MS = 1_000


@activity.define
async def step(value: int) -> int:
    return value


@workflow.define
async def flow(value: int) -> int:
    return await step(value)


def claim_run(client: Client, owner: str) -> list[RunClaim]:
    prints = {"flow": flow.definition.fingerprint}
    return client.database.write_now(
        runs.claim_runs, worker=owner, queue="default", fingerprints=prints, limit=10, lease_ms=LEASE_MS
    )  # fmt: skip


def claim_activity(client: Client, owner: str) -> list[ActivityClaim]:
    client.database.write_now(limits.enforce, limit=10)
    return client.database.write_now(
        activities.claim_activities, worker_id=owner, queue="default", names=["step"], limit=10, lease_ms=LEASE_MS
    )  # fmt: skip


def commit(client: Client, claim: RunClaim) -> None:
    done = CompleteRun(seq=1, site="", result=0)
    client.database.write_now(
        runs.commit_turns, claim, [(1, [done])], code="x", parked=[], decisions=[], drifts=[]
    )


async def test_a_leased_run_is_not_claimed_by_another_worker(client: Client) -> None:
    await client.start(flow, 1)

    assert len(claim_run(client, "one")) == 1
    assert claim_run(client, "two") == []


async def test_each_claim_of_a_run_has_a_new_epoch(client: Client, clock: VirtualClock) -> None:
    await client.start(flow, 1)
    first = claim_run(client, "one")
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))

    second = claim_run(client, "two")

    assert second[0].epoch == first[0].epoch + 1


async def test_a_zombie_cannot_commit_a_turn(client: Client, clock: VirtualClock) -> None:
    handle = await client.start(flow, 1)
    zombie = claim_run(client, "one")[0]
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))
    claim_run(client, "two")

    with pytest.raises(LeaseLostError, match="nothing was committed"):
        commit(client, zombie)

    assert (await handle.history()).turns[0].commands is None


async def test_a_worker_cannot_commit_the_same_claim_twice(client: Client) -> None:
    await client.start(flow, 1)
    claim = claim_run(client, "one")[0]
    commit(client, claim)

    with pytest.raises(LeaseLostError):
        commit(client, claim)


async def test_a_result_under_an_old_epoch_is_refused(client: Client, clock: VirtualClock) -> None:
    handle = await client.start(flow, 1)
    await Worker(client, workflows=[flow]).run_until_idle()
    zombie = claim_activity(client, "one")[0]
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))
    heir = claim_activity(client, "two")[0]

    with pytest.raises(LeaseLostError, match="was not recorded"):
        client.database.write_now(attempts.complete_activity, zombie, 666)
    client.database.write_now(attempts.complete_activity, heir, 1)
    with pytest.raises(LeaseLostError):
        client.database.write_now(attempts.complete_activity, heir, 666)

    assert heir.attempt == 2
    results = [
        t.event for t in (await handle.history()).turns if t.event.kind == "activity_completed"
    ]
    assert [event.result for event in results] == [1]  # type: ignore[union-attr]  # filtered above


async def test_a_failure_under_an_old_epoch_is_refused(client: Client, clock: VirtualClock) -> None:
    await client.start(flow, 1)
    await Worker(client, workflows=[flow]).run_until_idle()
    zombie = claim_activity(client, "one")[0]
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))
    claim_activity(client, "two")

    with pytest.raises(LeaseLostError):
        client.database.write_now(
            attempts.fail_attempt, zombie, Failure(type="E", message="m"), retry_in_ms=None
        )


async def test_a_heartbeat_keeps_a_lease_and_reports_those_that_are_gone(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(flow, 1)
    await Worker(client, workflows=[flow]).run_until_idle()
    mine = claim_activity(client, "one")[0]

    def beat() -> object:
        return client.database.write_now(
            activities.beat, "one", loop_age_ms=0, stack=None, busy=1, lease_ms=LEASE_MS, runs=[], activities=[(mine, None)]
        ).activities  # fmt: skip

    for _ in range(5):
        clock.advance(timedelta(milliseconds=LEASE_MS - 1))
        assert beat() == frozenset()
        assert claim_activity(client, "two") == []
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))
    assert len(claim_activity(client, "two")) == 1

    assert beat() == {(mine.run_id, mine.seq, mine.epoch)}


async def test_a_lost_worker_is_named_in_the_next_attempt(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(flow, 1)
    await Worker(client, workflows=[flow]).run_until_idle()
    claim_activity(client, "one")
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))
    claim_activity(client, "two")

    row = (await handle.describe()).activities[0]

    assert (row.attempt, row.lease_owner) == (2, "two")
    assert (row.error_type, row.error_message) == (
        "WorkerLost",
        "worker one stopped during the attempt",
    )


@workflow.define
async def sleeper() -> str:
    await asyncio.sleep(10)
    return "awake"


async def test_a_timer_fires_once_however_many_look(client: Client, clock: VirtualClock) -> None:
    handle = await client.start(sleeper)
    await Worker(client, workflows=[sleeper]).run_until_idle()
    clock.advance(timedelta(seconds=11))

    fired = [client.database.write_now(events.fire_due, limit=10) for _ in range(3)]

    assert fired == [1, 0, 0]
    assert [t.event.kind for t in (await handle.history()).turns] == ["run_started", "timer_fired"]


async def test_an_event_that_arrives_while_a_turn_is_applied_is_not_lost(client: Client) -> None:
    handle = await client.start(sleeper)
    claim = claim_sleeper(client)
    await handle.cancel(reason="meanwhile")
    more = client.database.write_now(
        runs.commit_turns, claim, [(1, [])], code="x", parked=[], decisions=[], drifts=[]
    )

    assert more
    assert (await handle.describe()).evidence.task_state == "ready"


def claim_sleeper(client: Client) -> RunClaim:
    prints = {"sleeper": sleeper.definition.fingerprint}
    return client.database.write_now(
        runs.claim_runs, worker="one", queue="default", fingerprints=prints, limit=1, lease_ms=LEASE_MS
    )[0]  # fmt: skip


@pytest.mark.construct("Client.start(queue=)", "activity.define(queue=)")
async def test_work_of_another_queue_is_left_alone(client: Client) -> None:
    handle = await client.start(flow, 1, queue="gpu")

    await Worker(client, workflows=[flow], activities=[step]).run_until_idle()
    assert (await handle.describe()).evidence.done_turn == 0
    await Worker(client, workflows=[flow], activities=[step], queue="gpu").run_until_idle()

    assert await handle.result() == 1


async def test_workers_that_vanish_one_after_another_are_counted(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(flow, 1)
    await Worker(client, workflows=[flow]).run_until_idle()
    for owner in ("one", "two", "three"):
        assert len(claim_activity(client, owner)) == 1
        clock.advance(timedelta(milliseconds=LEASE_MS + 1))

    assert claim_activity(client, "four") == []
    evidence = (await handle.describe()).evidence.activities[0]

    assert (evidence.error_type, evidence.same_error) == ("WorkerLost", 3)
