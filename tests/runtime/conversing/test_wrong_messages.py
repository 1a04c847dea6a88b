"""A message of the wrong type is refused where it is sent, or can be taken out of the way of the run that it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from tests.runtime.conftest import served

from holdfast import Client, Worker, workflow
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.errors import ArgumentError, MessageError, RunFailedError, UsageError
from holdfast.history import SignalDiscarded, dump_history, parse_history
from holdfast.replay import replay
from holdfast_testkit import Sim

Load = Callable[[str, str], ModuleType]


@dataclass(frozen=True)
class Payment:
    amount: int


paid = workflow.Signal("paid", Payment)
add = workflow.Update("add", int, int)


@workflow.define
async def order() -> int:
    total = 0

    @add.handle
    def added(number: int) -> int:
        nonlocal total
        total += number
        return total

    return total + (await paid.receive()).amount


@workflow.define
async def hidden(rounds: int) -> int:
    """Take a signal that does not stand beside the function, so that only waiting for it tells its type."""
    late = workflow.Signal("late", Payment)
    await workflow.sleep(timedelta(hours=1))
    amount = (await late.receive()).amount
    if rounds > 1:
        workflow.continue_as_new(rounds - 1)
    return amount


@workflow.define
async def sender(target: str) -> None:
    await workflow.Signal("paid", str).send(target, "much")


@workflow.define
async def parent() -> int:
    return await workflow.run_child(order, id="child")


@pytest.fixture
def worker(client: Client) -> Worker:
    return Worker(client, workflows=[order, hidden, sender, parent])


async def test_a_message_of_the_wrong_type_is_refused_before_any_worker_has_seen_the_run(
    client: Client, worker: Worker
) -> None:
    run = await client.start(order, id="r")

    with pytest.raises(MessageError) as refused:
        await client.signal("r", "paid", {"amount": "much"})
    assert refused.value.message.startswith(
        "Signal 'paid' does not fit what run r takes: amount: 'much' is not of type 'integer'. "
        'Found {"amount": "much"}; expected {"properties": {"amount"'
    )
    with pytest.raises(MessageError, match="Update 'add' does not fit what run r takes: the value: 'x'"):  # fmt: skip
        await client.update("r", workflow.Update("add", str, Any), "x")

    assert await client.signal("r", "paid", {"amount": 4})
    assert await served(worker, run.result()) == 4
    assert [turn.event.kind for turn in (await run.history()).turns] == [
        "run_started",
        "signal_received",
    ]


async def test_a_name_that_nobody_has_declared_is_let_pass(client: Client) -> None:
    await client.start(order, id="r")

    assert await client.signal("r", "note", {"anything": [1]})


async def test_a_run_that_waits_for_a_message_has_told_its_type_and_so_has_what_continues_it(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    run = await client.start(hidden, 2, id="r")
    await worker.run_until_idle()
    clock.advance(timedelta(hours=1))
    await worker.run_until_idle()
    with pytest.raises(MessageError, match="Signal 'late' does not fit what run r takes"):
        await client.signal("r", "late", "much")
    await client.signal("r", "late", {"amount": 1})
    await worker.run_until_idle()

    with pytest.raises(MessageError, match="Signal 'late' does not fit what run r~2 takes"):
        await client.signal("r", "late", "much")  # it sleeps, and has not asked yet
    await client.signal("r", "late", {"amount": 2})
    clock.advance(timedelta(hours=1))
    assert await served(worker, run.result()) == 2


async def test_a_workflow_that_sends_the_wrong_type_is_told_so(
    client: Client, worker: Worker
) -> None:
    await client.start(order, id="r")
    run = await client.start(sender, "r")

    with pytest.raises(RunFailedError, match=r"SignalError: .*does not fit what run r takes"):
        await served(worker, run.result())


async def test_a_child_tells_what_it_takes_when_it_waits(client: Client, worker: Worker) -> None:
    await client.start(parent)
    await worker.run_until_idle()

    with pytest.raises(MessageError, match="Signal 'paid' does not fit what run child takes"):
        await client.signal("child", "paid", 5)


async def test_new_code_that_takes_another_type_says_so_when_it_has_run(
    client: Client, module: Load
) -> None:
    source = """
from holdfast import workflow
note = workflow.Signal("note", {type})
@workflow.define
async def flow() -> str:
    await note.receive()
    return str(await note.receive())
"""
    old = module("flows", source.format(type="int"))
    run = await client.start(old.flow, id="r")
    await Worker(client, workflows=[old.flow]).run_until_idle()
    with pytest.raises(MessageError):
        await client.signal("r", "note", "text")
    new = module("flows", source.format(type="int | str"))
    await client.signal("r", "note", 1)
    worker = Worker(client, workflows=[new.flow])
    await worker.run_until_idle()

    await client.signal("r", "note", "text")
    assert await served(worker, run.result()) == "text"


async def held(client: Client, worker: Worker, clock: VirtualClock) -> None:
    """Bring a run to where its code cannot read a message."""
    await client.start(hidden, 1, id="r")
    await client.signal("r", "late", "much", message="m1")
    await client.signal("r", "late", {"amount": 7}, message="m2")
    await worker.run_until_idle()
    clock.advance(timedelta(hours=1))
    await worker.run_until_idle()


async def test_a_message_that_cannot_be_read_holds_the_run_with_a_report_that_names_it(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    await held(client, worker, clock)

    verdict = (await client.describe("r")).summary.verdict

    assert verdict.code == "stuck.poison_payload"
    assert "Message 'm1' of turn 2: Signal late does not decode as Payment" in verdict.why
    assert verdict.worst.actions[0] == "holdfast discard r m1 --by YOU"
    assert verdict.worst.next.endswith("Or this message is discarded.")
    report = (await client.describe("r")).evidence.error
    assert report["suggestion"].endswith("holdfast discard r m1 --by YOU")


@pytest.mark.construct("Client.discard_signal")
async def test_a_discarded_message_is_passed_over_and_the_history_says_who_and_why(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    await held(client, worker, clock)

    await client.discard_signal("r", "m1", by="ana", reason="sent by mistake")
    await worker.run_until_idle()

    run = client.get("r", hidden)
    assert await run.result() == 7
    history = await run.history()
    (event,) = [t.event for t in history.turns if isinstance(t.event, SignalDiscarded)]
    assert (event.target, event.message, event.by, event.reason) == (2, "m1", "ana", "sent by mistake")  # fmt: skip
    assert replay(parse_history(dump_history(history)), hidden).ok


async def test_only_the_message_that_holds_a_run_can_be_discarded(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    await held(client, worker, clock)
    await client.start(order, id="free")

    with pytest.raises(UsageError, match="not held by message 'm2': it is held by 'm1'"):
        await client.discard_signal("r", "m2", by="ana")
    with pytest.raises(UsageError, match="Run free is not held by message 'm1': no message holds"):
        await client.discard_signal("free", "m1", by="ana")
    with pytest.raises(ArgumentError, match="must say who it was"):
        await client.discard_signal("r", "m1", by="")
    assert (await client.describe("r")).summary.verdict.code == "stuck.poison_payload"


async def test_a_fork_of_a_run_passes_over_what_was_discarded_too(
    client: Client, worker: Worker, clock: VirtualClock
) -> None:
    await held(client, worker, clock)
    await client.discard_signal("r", "m1", by="ana")
    await worker.run_until_idle()

    for at in (2, 3):
        fork = await client.fork("r", at=at, id=f"f{at}")
        await worker.run_until_idle()
        clock.advance(timedelta(hours=1))
        assert await served(worker, client.get(fork.id, hidden).result()) == 7


def test_a_simulated_run_is_held_and_goes_on_in_the_same_way() -> None:
    with Sim() as sim:
        run = sim.start(hidden, 1)
        sim.signal(run, workflow.Signal("late", str), "much", message="m1")
        assert "m1" in sim.run_until(run, "stuck").why


def test_the_shell_refuses_and_discards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Load
) -> None:
    monkeypatch.chdir(tmp_path)
    module("shop", "from tests.runtime.conversing.test_wrong_messages import order")
    shell = CliRunner()
    assert shell.invoke(main, ["start", "shop:order", "--id", "r"]).exit_code == 0

    refused = shell.invoke(main, ["signal", "r", "paid", '"much"'])
    unheld = shell.invoke(main, ["discard", "r", "m1", "--by", "ana"])

    assert (refused.exit_code, unheld.exit_code) == (2, 2)
    assert "Signal 'paid' does not fit what run r takes" in refused.output
    assert "Run r is not held by message 'm1'" in unheld.output
