"""What kills workers is set apart after three of them; what was only near it is not."""

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.runtime.processes import Spawn, spawning

from holdfast import Client, Retry, RunHandle, Worker, activity, workflow
from holdfast._store import activities, limits, runs
from holdfast._store.records import ActivityClaim, RunClaim
from holdfast.clock import VirtualClock
from holdfast.errors import UsageError

LEASE_MS = 1_000

CODE = """
import os, signal
from holdfast import activity, workflow

@activity.define
async def crash(folder: str) -> str:
    if os.path.exists(os.path.join(folder, "mended")):
        return "done"
    os.kill(os.getpid(), signal.SIGKILL)
    return ""

@workflow.define
async def crashing() -> str:
    with workflow.unsafe("a library that ends the process"):
        if not os.path.exists("mended"):
            os._exit(86)
    return "done"

@workflow.define
async def calling(folder: str) -> str:
    return await crash(folder)
"""


@activity.define
async def step(value: int) -> int:
    return value


@activity.define(retry=Retry(max_attempts=2))
async def twice(value: int) -> int:
    return value


@workflow.define
async def flow(value: int) -> int:
    return await step(value)


@workflow.define
async def limited(value: int) -> int:
    return await twice(value)


def claim_runs(client: Client, owner: str) -> list[RunClaim]:
    prints = {"flow": flow.definition.fingerprint}
    return client.database.write_now(
        runs.claim_runs, worker=owner, queue="default", fingerprints=prints, limit=9, lease_ms=LEASE_MS
    )  # fmt: skip


def claim_activities(client: Client, owner: str) -> list[ActivityClaim]:
    client.database.write_now(limits.enforce, limit=99)
    return client.database.write_now(
        activities.claim_activities, worker_id=owner, queue="default", names=["step", "twice"], limit=9,
        lease_ms=LEASE_MS,
    )  # fmt: skip


def pass_lease(clock: VirtualClock) -> None:
    clock.advance(timedelta(milliseconds=LEASE_MS + 1))


async def test_a_run_that_three_workers_vanished_with_is_taken_by_none_until_a_person_says_so(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(flow, 1, id="r")
    for owner in ("one", "two", "three"):
        assert [claim.run_id for claim in claim_runs(client, owner)] == ["r"]
        pass_lease(clock)
    worker = Worker(client, workflows=[flow], activities=[step])
    await worker.run_until_idle()

    verdict = (await handle.describe()).summary.verdict
    assert verdict.code == "stuck.poison_task"
    assert (
        "3 workers in a row vanished while they advanced this run, the last was three."
        in verdict.why
    )
    assert "holdfast retry r" in verdict.worst.actions
    await client.retry("r")
    await worker.run_until_idle()
    assert await handle.result() == 1


async def test_runs_that_are_lost_together_are_found_innocent_one_by_one(
    client: Client, clock: VirtualClock
) -> None:
    for number in range(4):
        await client.start(flow, number, id=f"r{number}")
    assert len(claim_runs(client, "one")) == 4

    taken = []
    for number in range(4):  # r0 kills its worker each time
        pass_lease(clock)
        claims = claim_runs(client, f"w{number}")
        taken.append([claim.run_id for claim in claims])
        if claims[0].run_id != "r0":
            client.database.write_now(
                runs.commit_turns,
                claims[0],
                [(1, [])],
                code="x",
                parked=[],
                decisions=[],
                drifts=[],
            )
    rows = [(await client.describe(f"r{number}")).evidence for number in range(4)]

    assert all(len(batch) == 1 for batch in taken)
    assert [row.lease_epoch - row.progress_epoch for row in rows] == [taken.count(["r0"]), 0, 0, 0]


async def test_a_run_that_is_handed_back_is_not_counted(client: Client) -> None:
    await client.start(flow, 1, id="r")
    for number in range(5):
        claims = claim_runs(client, f"w{number}")
        assert len(claims) == 1
        client.database.write_now(runs.hand_back, claims)

    row = (await client.describe("r")).evidence
    assert row.lease_epoch == row.progress_epoch == 5


async def isolated(client: Client, clock: VirtualClock) -> None:
    await Worker(client, workflows=[flow, limited]).run_until_idle()
    for owner in ("one", "two", "three"):
        assert len(claim_activities(client, owner)) == 1
        pass_lease(clock)
    assert claim_activities(client, "four") == []


async def test_an_activity_that_three_workers_vanished_with_is_taken_by_none(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(flow, 7, id="r")
    await isolated(client, clock)

    verdict = (await handle.describe()).summary.verdict
    assert verdict.code == "stuck.poison_task"
    assert (
        verdict.why
        == "3 attempts of step (#1) in a row ended with their worker. No worker takes it any more."
    )
    await client.retry("r")
    await Worker(client, workflows=[flow], activities=[step]).run_until_idle()
    assert await handle.result() == 7


async def test_a_person_can_say_how_an_isolated_activity_ended(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(flow, 7, id="r")
    await isolated(client, clock)

    await client.resolve_activity("r", 1, by="ana", happened=8)
    await Worker(client, workflows=[flow]).run_until_idle()

    assert await handle.result() == 8
    with pytest.raises(UsageError):
        await client.resolve_activity("r", 1, by="ana", happened=9)


async def test_an_activity_with_fewer_attempts_than_that_fails_by_its_policy(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(limited, 7)
    await Worker(client, workflows=[limited]).run_until_idle()
    for owner in ("one", "two"):
        assert len(claim_activities(client, owner)) == 1
        pass_lease(clock)
    await Worker(client, workflows=[limited]).run_until_idle()

    assert (await handle.describe()).summary.verdict.code == "closed.failed"


async def test_activities_that_may_kill_a_worker_do_not_share_one(
    client: Client, clock: VirtualClock
) -> None:
    for number in range(3):
        await client.start(flow, number)
    await Worker(client, workflows=[flow]).run_until_idle()
    for owner in ("one", "two"):
        assert len(claim_activities(client, owner)) == 3
        pass_lease(clock)
    await client.start(flow, 9)
    await Worker(client, workflows=[flow]).run_until_idle()

    first = claim_activities(client, "three")

    assert sorted(claim.attempt for claim in first) == [1, 3]
    assert claim_activities(client, "three") == []
    assert [claim.attempt for claim in claim_activities(client, "four")] == [3]


# Real processes


@pytest.fixture
def spawn(tmp_path: Path, module: Callable[[str, str], ModuleType]) -> Iterator[Spawn]:
    module("poison", CODE)
    with spawning(tmp_path, "poison") as run:
        yield run


@pytest.mark.parametrize(
    ("entry", "code"),
    [("poison:crashing", 86), ("poison:calling", -9)],
    ids=["workflow", "activity"],
)
async def test_three_processes_die_and_the_fourth_lives(
    tmp_path: Path, spawn: Spawn, entry: str, code: int
) -> None:
    async with Client(tmp_path / "p.db") as client:
        arguments = [str(tmp_path)] if entry.endswith("calling") else []
        handle: RunHandle[str] = await client.start(entry, *arguments, id="r")
        for _ in range(3):
            process = spawn("--lease", "0.2")
            assert await asyncio.to_thread(process.wait, 30) == code
        survivor = spawn("--lease", "0.2")

        while (await handle.describe()).summary.verdict.code != "stuck.poison_task":
            assert survivor.poll() is None
        assert survivor.poll() is None
        os.close(os.open(tmp_path / "mended", os.O_CREAT))
        await client.retry("r")

        assert await handle.result(timeout=timedelta(seconds=30)) == "done"
        assert survivor.poll() is None
