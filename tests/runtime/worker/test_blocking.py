"""A run that meets other code is blocked, never failed, and goes on by itself when the code fits again."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from holdfast import Client, Worker
from holdfast.clock import VirtualClock
from holdfast.errors import RunTerminatedError

Load = Callable[[str, str], ModuleType]

V1 = """
import asyncio
from holdfast import activity, workflow

@activity.define
async def reserve() -> str: return "reserved"
@activity.define
async def charge() -> str: return "charged"
@activity.define
async def fraud_check() -> str: return "fine"

@workflow.define
async def order() -> str:
    await reserve()
    await asyncio.sleep(60)
    return await charge()
"""
BROKEN = V1.replace("    await reserve()\n", "    await fraud_check()\n    await reserve()\n")
PATCHED = V1.replace(
    "    await reserve()\n",
    '    if workflow.patched("fraud-check"):\n        await fraud_check()\n    await reserve()\n',
)


def worker_of(client: Client, code: ModuleType) -> Worker:
    return Worker(
        client, workflows=[code.order], activities=[code.reserve, code.charge, code.fraud_check]
    )


async def started(client: Client, code: ModuleType) -> Any:
    handle = await client.start(code.order, id="order-1")
    await worker_of(client, code).run_until_idle()
    assert (await handle.describe()).summary.verdict.code == "wait.timer"
    return handle


@pytest.mark.construct("a blocked run heals")
async def test_a_broken_edit_blocks_the_open_run_and_the_old_code_heals_it(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await started(client, module("orders", V1))
    clock.advance(timedelta(seconds=61))

    await worker_of(client, module("orders", BROKEN)).run_until_idle()

    detail = await handle.describe()
    assert detail.summary.status == "open"
    assert detail.summary.verdict.code == "stuck.nondeterminism"
    assert "activity reserve()" in detail.summary.verdict.why
    assert "orders.py:14" in detail.summary.verdict.why
    assert "activity fraud_check()" in detail.summary.verdict.why
    assert detail.same_place == 1

    await worker_of(client, module("orders", V1)).run_until_idle()

    assert await handle.result() == "charged"


async def test_a_blocked_run_is_not_touched_again_by_the_same_code(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await started(client, module("orders", V1))
    clock.advance(timedelta(seconds=61))
    broken = module("orders", BROKEN)
    await worker_of(client, broken).run_until_idle()
    before = (await handle.describe()).evidence

    await worker_of(client, broken).run_until_idle()

    assert (await handle.describe()).evidence == before


async def test_the_edit_behind_a_patch_lets_the_open_run_go_on(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await started(client, module("orders", V1))
    clock.advance(timedelta(seconds=61))

    patched = module("orders", PATCHED)
    await worker_of(client, patched).run_until_idle()
    fresh = await client.start(patched.order, id="order-2")
    await worker_of(client, patched).run_until_idle()

    assert await handle.result() == "charged"
    old, new = await handle.describe(), await fresh.describe()
    assert [(row["patch"], row["taken"]) for row in old.patches] == [("fraud-check", False)]
    assert [(row["patch"], row["taken"]) for row in new.patches] == [("fraud-check", True)]


@pytest.mark.construct("Client.terminate", "Client.history")
@pytest.mark.construct("a blocked run is terminated", "a blocked run is exported")
async def test_a_blocked_run_can_be_terminated_and_exported(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await started(client, module("orders", V1))
    clock.advance(timedelta(seconds=61))
    await worker_of(client, module("orders", BROKEN)).run_until_idle()

    history = await handle.history()
    await handle.terminate(reason="test")

    assert len(history.turns) == 3
    assert history.turns[-1].commands is None  # the timer has fired, and nobody has applied it
    with pytest.raises(RunTerminatedError, match="order-1"):
        await handle.result()


BUG = V1.replace("    return await charge()", "    return {}['sku']")


async def test_a_bug_in_workflow_code_is_retried_once_then_held_for_a_fix(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    handle = await started(client, module("orders", V1))
    buggy = worker_of(client, module("orders", BUG))
    clock.advance(timedelta(seconds=61))

    await buggy.run_until_idle()
    first = (await handle.describe()).summary.verdict
    clock.advance(timedelta(seconds=6))
    await buggy.run_until_idle()
    second = (await handle.describe()).summary.verdict
    await worker_of(client, module("orders", V1)).run_until_idle()

    assert (first.code, second.code) == ("retry.task", "stuck.workflow_bug")
    assert "KeyError: 'sku' at orders.py:16 in order" in second.why
    assert await handle.result() == "charged"


REMOVED_FIELD = """
from holdfast import activity, workflow
from pydantic import BaseModel

class Order(BaseModel):
    sku: str
    {field}

@workflow.define
async def order(wanted: Order) -> str:
    await workflow.approval("ok", ask="?", to=["ops"], answer=bool)
    return wanted.sku
"""


async def test_an_argument_that_no_longer_decodes_blocks_the_run(
    client: Client, module: Load
) -> None:
    v1 = module("shop", REMOVED_FIELD.format(field=""))
    handle = await client.start(v1.order, v1.Order(sku="A-1"), id="o")
    await Worker(client, workflows=[v1.order]).run_until_idle()
    await handle.decide("ok", answer=True, by="ana")

    v2 = module("shop", REMOVED_FIELD.format(field="amount: int"))
    await Worker(client, workflows=[v2.order]).run_until_idle()
    blocked = (await handle.describe()).summary.verdict
    v3 = module("shop", REMOVED_FIELD.format(field="amount: int = 1"))
    await Worker(client, workflows=[v3.order]).run_until_idle()

    assert blocked.code == "stuck.poison_payload"
    assert (
        "Argument 'wanted' of order does not decode as Order: amount: Field required" in blocked.why
    )
    assert await handle.result() == "A-1"


def test_a_changed_helper_module_changes_the_fingerprint(module: Load) -> None:
    module("helper", "def step() -> int: return 1\n")
    using = "from holdfast import workflow\nimport helper\n@workflow.define\nasync def order() -> int: return helper.step()\n"
    before = module("orders", using).order.definition.fingerprint

    module("helper", "def step() -> int: return 2\n")
    after = module("orders", using).order.definition.fingerprint

    assert before != after
    assert asyncio.iscoroutinefunction(module("orders", using).order.fn)


TAKING = """
from holdfast import activity, workflow

@activity.define
async def charge(order: str) -> str: return order
@activity.define
async def check(order: str) -> str: return order

@workflow.define
async def order(number: str) -> str:
    await workflow.approval("ok", ask="?", to=["ops"], answer=bool)
    return await {step}(number)
"""


async def test_runs_that_stop_at_the_same_line_are_counted_whatever_their_arguments(
    client: Client, module: Load
) -> None:
    old = module("taking", TAKING.format(step="charge"))
    handles = [await client.start(old.order, f"o-{n}") for n in range(3)]
    await Worker(client, workflows=[old.order]).run_until_idle()
    for handle in handles:
        await handle.decide("ok", answer=True, by="ana")
    await Worker(
        client, workflows=[old.order]
    ).run_until_idle()  # schedules, and nobody carries out
    for handle in handles:
        await handle.cancel()

    await Worker(
        client, workflows=[module("taking", TAKING.format(step="check")).order]
    ).run_until_idle()

    assert [(await handle.describe()).same_place for handle in handles] == [3, 3, 3]


HELPER = "LIMIT = {limit}\nTABLE = {{'a': LIMIT}}\n"


@pytest.mark.parametrize(
    "using", ["from helper import LIMIT", "from helper import TABLE", "import helper.__init__"]
)
def test_a_constant_from_another_module_counts_in_the_fingerprint(module: Load, using: str) -> None:
    source = f"from holdfast import workflow\n{using.replace('.__init__', '')}\n@workflow.define\nasync def order() -> int: return 1\n"
    module("helper", HELPER.format(limit=1))
    before = module("orders", source).order.definition.fingerprint

    module("helper", HELPER.format(limit=2))

    assert module("orders", source).order.definition.fingerprint != before
