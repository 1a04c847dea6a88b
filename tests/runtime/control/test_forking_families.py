"""A fork shares the children that were started before it, and the effects of those that it starts again."""

import asyncio
from collections.abc import Iterator

import pytest

from holdfast import Retry, activity, workflow
from holdfast.errors import ChildError, RunTerminatedError
from holdfast.history import dump_history, parse_history
from holdfast.replay import replay
from holdfast_testkit import Sim

go = workflow.Signal("go", str)
done: list[str] = []
broken = [True]


@activity.define(retry=Retry(max_attempts=1))
async def effect(what: str) -> str:
    done.append(f"{what} {activity.idempotency_key()}")
    return what


@activity.define(retry=Retry(max_attempts=1))
async def check() -> None:
    if broken[0]:
        raise ConnectionError("down")


@workflow.define
async def waiting() -> str:
    return await effect(await go.receive())


@workflow.define
async def quick(what: str) -> str:
    return await effect(what)


@workflow.define
async def parent() -> list[str]:
    """Start a child, pause, and signal it by the id that it is known by."""
    child = workflow.start_child(waiting)
    await asyncio.sleep(60)
    await child.signal(go, child.id)
    return [child.id, await child.result()]


@workflow.define
async def later(name: str | None) -> str:
    """Start a child after a pause, and then come to something that is broken at first."""
    await asyncio.sleep(60)
    found = await workflow.run_child(quick, "paid", id=name)
    await check()
    return found


@workflow.define
async def failing_child() -> str:
    child = workflow.start_child(waiting)
    await asyncio.sleep(60)
    try:
        return await child.result()
    except ChildError as error:
        return error.child


@pytest.fixture
def sim() -> Iterator[Sim]:
    done.clear()
    broken[0] = True
    with Sim() as made:
        made.real(effect, check)
        yield made


def test_a_child_from_before_the_fork_keeps_its_id_there_and_answers_both(sim: Sim) -> None:
    run = sim.start(parent, id="p")
    sim.run_until(run, "wait.timer")
    fork = sim.fork(run, at=1, id="f")

    assert sim.result(fork) == ["p.1", "p.1"]
    assert sim.result(run) == ["p.1", "p.1"]
    assert done == ["p.1 p.1/1"]  # the signal of the second is the same message
    assert sim.describe(fork).children == ("p.1",)
    assert replay(parse_history(dump_history(sim.history(fork))), parent).ok


def test_a_fork_that_waits_for_a_shared_child_is_judged_by_it(sim: Sim) -> None:
    run = sim.start(failing_child, id="p")
    sim.run_until(run, "wait.child")
    fork = sim.fork(run, at=2, id="f")

    assert (
        "Waits for its child 'p.1': Waits for the signal" in sim.run_until(fork, "wait.child").why
    )


def test_a_fork_names_a_shared_child_that_fails_as_the_original_does(sim: Sim) -> None:
    run = sim.start(failing_child, id="p")
    sim.run_until(run, "wait.child")
    fork = sim.fork(run, at=2, id="f")
    sim._runner.run(sim._client.terminate("p.1"))

    assert (sim.result(run), sim.result(fork)) == ("p.1", "p.1")


def test_a_shared_child_ends_with_the_last_run_that_waits_for_it(sim: Sim) -> None:
    run = sim.start(parent, id="p")
    sim.run_until(run, "wait.timer")
    fork = sim.fork(run, at=1, id="f")

    sim.terminate(run)
    with pytest.raises(RunTerminatedError):
        sim.result(run)
    between = sim._runner.run(sim._client.describe("p.1")).summary.status
    sim.terminate(fork)
    with pytest.raises(RunTerminatedError):
        sim.result(fork)
    sim._settle()

    assert between == "open"
    assert sim._runner.run(sim._client.describe("p.1")).summary.status == "cancelled"


@pytest.mark.parametrize(("keys", "made"), [("keep", "l.2/1"), ("new", "f.2/1")])
def test_a_child_that_a_fork_starts_again_has_the_keys_of_the_first(
    sim: Sim, keys: str, made: str
) -> None:
    run = sim.start(later, None, id="l")
    sim.run_until(run, "closed")
    broken[0] = False

    fork = sim.fork(run, at=1, id="f", keys=keys)  # type: ignore[arg-type]

    assert sim.result(fork) == "paid"
    assert done == ["paid l.2/1", f"paid {made}"]
    assert sim.describe(fork).children == ("f.2",)


def test_a_child_with_an_id_of_its_own_is_shared_when_it_is_started_again(sim: Sim) -> None:
    run = sim.start(later, "invoice", id="l")
    sim.run_until(run, "closed")
    broken[0] = False

    fork = sim.fork(run, at=1, id="f")

    assert sim.result(fork) == "paid"
    assert done == ["paid invoice/1"]
    assert sim.describe(fork).children == ("invoice",)
    assert replay(parse_history(dump_history(sim.history(fork))), later).ok


def test_a_fork_with_new_keys_cannot_have_a_child_of_an_id_that_is_taken(sim: Sim) -> None:
    run = sim.start(later, "invoice", id="l")
    sim.run_until(run, "closed")

    fork = sim.fork(run, at=1, id="f", keys="new")

    assert "there is a run 'invoice' already" in sim.run_until(fork, "closed").why


def test_the_child_of_a_stranger_is_not_shared(sim: Sim) -> None:
    sim.result(sim.start(quick, "other", id="invoice"))
    run = sim.start(later, "invoice", id="l")
    sim.run_until(run, "closed")

    fork = sim.fork(run, at=1, id="f")

    assert "there is a run 'invoice' already" in sim.run_until(fork, "closed").why
