"""While old and new code work side by side, no run takes a branch that the old code cannot continue."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest

from holdfast import Client, RunHandle, Worker
from holdfast.clock import VirtualClock
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]

OLD = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def reserve() -> str: return "reserved"
@activity.define
async def charge() -> str: return "charged"

@workflow.define
async def order() -> str:
    await reserve()
    await asyncio.sleep(60)
    return await charge()
"""
NEW = OLD.replace(
    "    await reserve()\n", '    if not workflow.patched("no-reserve"):\n        await reserve()\n'
)
COMPUTED = NEW.replace('patched("no-reserve")', 'patched("no-" + "reserve")')
RETIRED = NEW.replace("@workflow.define", '@workflow.define(retired_patches=("no-reserve",))').replace(
    '    if not workflow.patched("no-reserve"):\n        await reserve()\n', ""
)  # fmt: skip


def deployed(module: Load, source: str) -> ModuleType:
    """Import a version, and read its files before the next one replaces them."""
    code = module("orders", source)
    assert code.order.definition.fingerprint
    return code


async def worker_of(client: Client, code: ModuleType, queue: str = "default") -> Worker:
    """Return a worker that the others know of."""
    worker = Worker(
        client, workflows=[code.order], activities=[code.reserve, code.charge], queue=queue
    )
    await worker._register()
    return worker


async def settle(*workers: Worker) -> None:
    """Let workers do what is due, in turn, none of them leaving the fleet."""
    while True:
        steps = [await worker._step() for worker in workers]
        running = [task for worker in workers for task in worker._carrier.running]
        if running:
            await asyncio.wait(running)
        elif not any(steps):
            return


async def decisions(client: Client, *runs: str) -> list[list[bool]]:
    return [[d.taken for d in (await client.history(run)).header.decisions] for run in runs]


@pytest.mark.construct("workflow.patched")
async def test_a_rolling_deploy_blocks_no_run_and_every_history_replays_on_both(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    codes = deployed(module, OLD), deployed(module, NEW)
    old, new = [await worker_of(client, code) for code in codes]
    runs = [(await client.start("orders:order", id=f"r{number}")).id for number in range(8)]

    await settle(new, old)  # the new code meets them first
    clock.advance(timedelta(seconds=61))
    await settle(old, new)
    await old._unregister()
    after: RunHandle[str] = await client.start("orders:order", id="after")
    await settle(new)

    assert await decisions(client, *runs, "after") == [[False]] * 8 + [[True]]
    assert (await after.describe()).summary.verdict.code == "wait.timer"
    for run in runs:
        assert (await client.describe(run)).summary.status == "completed"
        for code in codes:
            assert replay(await client.history(run), code.order).ok


async def test_a_lone_worker_takes_a_patch_at_once(client: Client, module: Load) -> None:
    code = deployed(module, NEW)
    await client.start(code.order, id="r")

    await Worker(client, workflows=[code.order]).run_until_idle()

    assert await decisions(client, "r") == [[True]]


async def test_only_the_workers_of_the_queue_of_a_run_count(client: Client, module: Load) -> None:
    old, new = deployed(module, OLD), deployed(module, NEW)
    await worker_of(client, old, queue="elsewhere")
    worker = await worker_of(client, new)
    await client.start(new.order, id="r")

    await settle(worker)

    assert await decisions(client, "r") == [[True]]


async def test_a_lost_worker_holds_a_patch_back_until_it_counts_as_dead(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    old, new = deployed(module, OLD), deployed(module, NEW)
    await worker_of(client, old)
    clock.advance(timedelta(seconds=29))
    worker = await worker_of(client, new)
    await client.start(new.order, id="before")
    await settle(worker)
    clock.advance(timedelta(seconds=2))
    await client.start(new.order, id="after")

    await settle(worker)

    assert await decisions(client, "before", "after") == [[False], [True]]


async def test_a_retired_patch_counts_as_known(client: Client, module: Load) -> None:
    new, next_one = deployed(module, NEW), deployed(module, RETIRED)
    await worker_of(client, next_one)
    worker = await worker_of(client, new)
    await client.start(new.order, id="r")

    await settle(worker)

    assert await decisions(client, "r") == [[True]]


async def test_workers_with_the_same_code_know_what_it_computes(
    client: Client, module: Load
) -> None:
    code = deployed(module, COMPUTED)
    await worker_of(client, code)
    worker = await worker_of(client, code)
    await client.start(code.order, id="r")

    await settle(worker)

    assert await decisions(client, "r") == [[True]]
