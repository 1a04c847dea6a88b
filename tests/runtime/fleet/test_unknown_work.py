"""What a worker does not know it leaves alone: it fails nothing, counts nothing, and does not spin."""

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest

from holdfast import Client, Worker
from holdfast._idling import next_due
from holdfast.clock import VirtualClock

Load = Callable[[str, str], ModuleType]

CODE = """
from holdfast import activity, workflow

@activity.define
async def step() -> str: return "done"
@activity.define
async def other_step() -> str: return "done"

@workflow.define
async def flow() -> str: return await step()
@workflow.define
async def other() -> str: return await other_step()
"""


@pytest.fixture
def code(module: Load) -> ModuleType:
    return module("works", CODE)


async def alive(worker: Worker) -> None:
    """Let a worker do what is due, and stay in the fleet."""
    await worker.run_until_idle()
    await worker._register()


async def test_workers_of_one_queue_each_take_what_they_know(
    client: Client, code: ModuleType
) -> None:
    handles = [await client.start(code.other), await client.start(code.flow)]
    one = Worker(client, workflows=[code.flow], activities=[code.step])
    two = Worker(client, workflows=[code.other], activities=[code.other_step])

    await one.run_until_idle()
    left, done = [(await h.describe()).summary.status for h in handles]
    await two.run_until_idle()

    assert (left, done) == ("open", "completed")
    assert await handles[0].result() == "done"


@pytest.mark.parametrize(
    ("knows", "verdict", "why"),
    [
        ("step", "stuck.unknown_workflow", "No worker on queue 'default' knows the workflow 'flow'."),
        ("flow", "stuck.unknown_activity", "No worker on queue 'default' knows the activity 'step'."),
    ],
)  # fmt: skip
async def test_unknown_work_waits_unharmed_until_a_worker_knows_it(
    client: Client, clock: VirtualClock, code: ModuleType, knows: str, verdict: str, why: str
) -> None:
    handle = await client.start(code.flow, id="r")
    partial = Worker(
        client,
        workflows=[code.flow] if knows == "flow" else [],
        activities=[code.step] if knows == "step" else [],
    )
    await alive(partial)
    clock.advance(timedelta(seconds=20))
    await alive(partial)
    before = (await handle.describe()).evidence

    looked = [await partial._step() for _ in range(3)]

    assert looked == [False] * 3
    assert await client.database.read(next_due, queues=["default"], after=clock.now_ms) is None
    found = await handle.describe()
    assert (found.summary.verdict.code, found.summary.verdict.why) == (verdict, why)
    assert found.evidence.lease_epoch == before.lease_epoch
    assert [a.attempt for a in found.activities] == [0] * len(found.activities)
    await Worker(client, workflows=[code.flow], activities=[code.step]).run_until_idle()
    assert await handle.result() == "done"


async def test_a_renamed_workflow_waits_for_its_old_name(
    client: Client, clock: VirtualClock, code: ModuleType, module: Load
) -> None:
    handle = await client.start(code.flow, id="r")
    renamed = module("works", CODE.replace("async def flow(", "async def dispatch("))
    await alive(Worker(client, workflows=[renamed.dispatch], activities=[renamed.step]))
    clock.advance(timedelta(seconds=20))
    await alive(Worker(client, workflows=[renamed.dispatch], activities=[renamed.step]))

    assert (await handle.describe()).summary.verdict.code == "stuck.unknown_workflow"

    named = module(
        "works",
        CODE.replace(
            "@workflow.define\nasync def flow(",
            '@workflow.define(name="flow")\nasync def dispatch(',
        ),
    )
    await Worker(client, workflows=[named.dispatch], activities=[named.step]).run_until_idle()
    assert await handle.result() == "done"


async def test_a_workflow_that_moved_to_another_module_goes_on(
    client: Client, code: ModuleType, module: Load
) -> None:
    handle = await client.start(code.flow, id="r")
    await Worker(client, workflows=[code.flow]).run_until_idle()
    moved = module("moved_works", CODE)

    await Worker(client, workflows=[moved.flow], activities=[moved.step]).run_until_idle()

    assert await handle.result() == "done"
