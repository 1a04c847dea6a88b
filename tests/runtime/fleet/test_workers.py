"""A worker says what it is and what it knows, and may serve several queues."""

import asyncio
import json
import platform
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from holdfast import Client, Worker, activity, workflow
from holdfast.cli import main
from holdfast.errors import ArgumentError

Load = Callable[[str, str], ModuleType]

HELPER = """
from holdfast.workflow import patched

def prepaid() -> bool:
    return patched("prepaid")
"""
CODE = """
from holdfast import activity, workflow
import fleet_helper

@activity.define
async def step() -> None: ...

@workflow.define(patches=("by-country-de",), retired_patches=("old",))
async def flow(country: str) -> None:
    if workflow.patched(patch="named") and workflow.patched("first", key=1):
        await step()
    workflow.patched(f"by-country-{country}")
    fleet_helper.prepaid()
"""


@activity.define
async def step(value: int) -> int:
    return value


@workflow.define
async def flow(value: int) -> int:
    return await step(value)


def shell(*arguments: str) -> str:
    return CliRunner().invoke(main, arguments, catch_exceptions=False).stdout


async def test_a_worker_serves_all_its_queues_and_no_other(client: Client) -> None:
    worker = Worker(client, workflows=[flow], activities=[step], queue=["a", "b"])
    handles = [await client.start(flow, 1, id=queue, queue=queue) for queue in ("a", "b", "c")]

    await worker.run_until_idle()

    assert [(await h.describe()).summary.status for h in handles] == ["completed", "completed", "open"]  # fmt: skip
    assert await worker.next_due() is None


async def test_a_full_queue_does_not_keep_the_others_of_a_worker_waiting(client: Client) -> None:
    for number in range(40):
        await client.start(flow, number, queue="full")
    handle = await client.start(flow, 1, queue="other")
    worker = Worker(client, workflows=[flow], queue=["full", "other"])

    await worker._step()
    await worker._step()

    assert (await handle.describe()).evidence.done_turn == 1


@pytest.mark.parametrize("queue", ["", [], ["a", " "]])
def test_a_queue_needs_a_name(client: Client, queue: str | list[str]) -> None:
    with pytest.raises(ArgumentError, match="expected the name of a queue"):
        Worker(client, workflows=[flow], queue=queue)


@pytest.mark.construct("workflow.define(patches=)")
def test_the_patches_of_a_workflow_are_found_in_the_files_of_its_project(module: Load) -> None:
    module("fleet_helper", HELPER)
    code = module("fleet_code", CODE)

    assert code.flow.definition.patches == {"named", "first", "prepaid", "by-country-de", "old"}


def test_a_patch_cannot_be_in_use_and_retired() -> None:
    with pytest.raises(ArgumentError, match="x is in patches and in retired_patches"):
        workflow.define(patches=("x",), retired_patches=("x",))


@pytest.mark.construct("Client.workers")
async def test_a_worker_tells_what_it_is_and_what_it_knows(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_BUILD", "2024-11-3")
    worker = Worker(client, workflows=[flow], activities=[step], queue=["a", "b"], slots=7)
    await worker._register()

    _, (row,) = await client.workers()

    assert (row.id, row.queues, row.slots, row.busy) == (worker.id, ("a", "b"), 7, 0)
    assert row.workflows == {"flow": flow.definition.fingerprint}
    assert row.activities == {"step"}
    assert row.patches == {"flow": tuple(sorted(flow.definition.patches))}
    assert (row.build, row.python) == ("2024-11-3", platform.python_version())


async def test_the_command_lists_live_workers_with_what_they_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_DB", str(tmp_path / "w.db"))
    async with Client(tmp_path / "w.db") as client:
        old = Worker(client, workflows=[flow])
        await old.run_until_idle()
        worker = Worker(client, workflows=[flow], activities=[step], queue=["a", "b"], build="b7")
        await worker._register()

    listed = await asyncio.to_thread(shell, "workers")
    everyone = await asyncio.to_thread(shell, "workers", "--all", "--json")

    assert listed.startswith(f"{worker.id}  live  queue a, b  0 of 20 busy, seen 0 s ago\n")
    assert f"workflows: flow {flow.definition.fingerprint}\n  activities: step\n" in listed
    assert "build b7, holdfast " in listed
    rows = [json.loads(line) for line in everyone.splitlines()]
    assert {row["id"]: row["state"] for row in rows} == {old.id: "stopped", worker.id: "live"}
