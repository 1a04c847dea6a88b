"""What a run has registered to undo its steps is carried out when it ends without a result, and only then."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from holdfast import ApplicationError, Retry, activity, workflow
from holdfast._store import compensations
from holdfast.errors import (
    ArgumentError,
    ForbiddenCallError,
    RunCancelledError,
    RunFailedError,
    RunTerminatedError,
    RunTimedOutError,
    UsageError,
)
from holdfast.history import RunCompensation, dump_history, parse_history
from holdfast.replay import replay
from holdfast_testkit import Sim

ONCE = Retry(max_attempts=1)
done: list[str] = []
"""What the activities were asked for, with their idempotency keys."""


def note(what: str) -> None:
    done.append(f"{what} {activity.idempotency_key()}")


@activity.define(retry=ONCE)
async def book(what: str) -> str:
    note(f"book {what}")
    if what == "moon":
        raise ConnectionError("no flights")
    return what


@activity.define(retry=ONCE)
async def cancel(what: str) -> None:
    note(f"cancel {what}")
    if what == "car":
        raise ApplicationError("the desk is closed", non_retryable=True)


@workflow.define
async def trip(what: list[str]) -> str:
    for item in what:
        workflow.compensate(cancel, item)
        await book(item)
    return "booked"


@workflow.define
async def patient(what: list[str]) -> str:
    """Book, and then wait for a person."""
    for item in what:
        workflow.compensate(cancel, item)
        await book(item)
    await asyncio.sleep(86_400)
    return "booked"


@workflow.define
async def careful(what: str) -> str:
    """Take the first booking back before the second, and drop what undoes the third."""
    workflow.compensate(cancel, "one")
    workflow.compensate(cancel, "two")
    failed = await workflow.roll_back()
    kept = workflow.compensate(cancel, "three")
    workflow.compensate(cancel, "four")
    kept.drop()
    kept.drop()
    await book(what)
    return f"{len(failed)}"


@workflow.define
async def changeable() -> None:
    """Drop what would undo the first of two steps, and wait."""
    workflow.compensate(cancel, "kept").drop()
    workflow.compensate(cancel, "hotel")
    await asyncio.sleep(86_400)


@workflow.define
async def crowd() -> None:
    """Fail while another task is booking."""

    async def other() -> None:
        workflow.compensate(cancel, "slow")
        try:
            await asyncio.sleep(timedelta(days=1).total_seconds())
        finally:
            await book("last words")

    task = asyncio.create_task(other())
    await asyncio.sleep(1)
    workflow.compensate(cancel, "main")
    if not task.done():
        await book("moon")


@pytest.fixture
def sim() -> Iterator[Sim]:
    done.clear()
    with Sim() as made:
        made.real(book, cancel)
        yield made


def told() -> list[str]:
    return [line.rpartition(" ")[0] for line in done]


def states(sim: Sim, run: str) -> list[tuple[str, str]]:
    rows = sim._client.database.read_now(compensations.of_run, run)
    return [(row.name, row.state) for row in rows]


@pytest.mark.construct("workflow.compensate", "workflow.Compensation")
@pytest.mark.construct("compensation, last in first out")
def test_a_run_that_fails_undoes_its_steps_the_last_first(sim: Sim) -> None:
    run = sim.start(trip, ["hotel", "train", "moon"], id="t")

    with pytest.raises(RunFailedError, match="no flights"):
        sim.result(run)

    assert told()[3:] == ["cancel moon", "cancel train", "cancel hotel"]
    commands = [c for turn in sim.history(run).turns for c in turn.commands or ()]
    assert [c.target for c in commands if isinstance(c, RunCompensation)] == [5, 3, 1]
    assert done[3:] == ["cancel moon t/5", "cancel train t/3", "cancel hotel t/1"]
    assert replay(sim.history(run), trip).ok


def test_a_run_that_completes_undoes_nothing(sim: Sim) -> None:
    run = sim.start(trip, ["hotel", "train"], id="t")

    assert sim.result(run) == "booked"

    assert told() == ["book hotel", "book train"]
    assert states(sim, "t") == [("cancel", "dropped")] * 2


def test_a_compensation_that_fails_is_recorded_and_the_others_are_carried_out(sim: Sim) -> None:
    run = sim.start(trip, ["hotel", "car", "moon"], id="t")

    with pytest.raises(RunFailedError, match=r"no flights \(1 of 3 compensations failed: cancel\)"):
        sim.result(run)

    assert told()[3:] == ["cancel moon", "cancel car", "cancel hotel"]
    assert [state for _, state in states(sim, "t")] == ["completed", "failed", "completed"]
    failure = sim.describe(run).evidence.closing
    assert failure["details"]["compensations"][0]["error"].endswith("the desk is closed")


def test_a_cancelled_run_undoes_its_steps_and_a_second_request_does_not_disturb_it(
    sim: Sim,
) -> None:
    run = sim.start(patient, ["hotel", "train"], id="t")
    sim.run_until(run, "wait.timer")

    sim.cancel(run)
    sim.cancel(run)
    with pytest.raises(RunCancelledError):
        sim.result(run)

    assert told()[2:] == ["cancel train", "cancel hotel"]


@pytest.mark.construct("Client.terminate")
@pytest.mark.construct("compensation on terminate")
def test_a_terminated_run_is_undone_without_its_code(sim: Sim) -> None:
    run = sim.start(patient, ["hotel", "car", "train"], id="t")
    sim.run_until(run, "wait.timer")
    turns = len(sim.history(run).turns)

    sim.terminate(run, reason="mistake")
    being = sim.describe(run).summary
    with pytest.raises(RunTerminatedError, match="Not undone: cancel"):
        sim.result(run)

    assert being.status == "open"
    assert being.verdict.why.startswith("The run is being terminated; undoing its steps. ")
    assert done[3:] == ["cancel train t/5", "cancel car t/3", "cancel hotel t/1"]
    assert len(sim.history(run).turns) == turns
    closing = sim.describe(run).evidence.closing
    assert closing["reason"] == "mistake"
    assert [item["state"] for item in closing["compensations"]] == [
        "completed",
        "failed",
        "completed",
    ]
    assert "the desk is closed" in sim.describe(run).summary.verdict.why


def test_a_run_that_is_being_terminated_takes_nothing_in_and_can_be_ended_at_once(sim: Sim) -> None:
    run = sim.start(patient, ["hotel"], id="t")
    sim.run_until(run, "wait.timer")
    sim.terminate(run, reason="mistake")

    with pytest.raises(UsageError, match="--without-compensation"):
        sim.terminate(run, reason="again")
    with pytest.raises(UsageError, match="being ended"):
        sim.cancel(run)
    with pytest.raises(UsageError, match="being ended"):
        sim.pause(run)
    sim.terminate(run, reason="now", compensate=False)

    with pytest.raises(RunTerminatedError, match="Not undone: cancel"):
        sim.result(run)
    assert states(sim, "t") == [("cancel", "skipped")]
    assert told() == ["book hotel"]


def test_terminating_a_run_that_is_undoing_its_steps_repeats_none_of_them(sim: Sim) -> None:
    sim.fake(cancel).raises(ConnectionError("later")).returns(None)
    run = sim.start(trip, ["hotel", "train", "moon"], id="t")
    for _ in range(200):
        if any(
            isinstance(c, RunCompensation) for t in sim.history(run).turns for c in t.commands or ()
        ):
            break
        sim._runner.run(sim._working()._step())

    sim.terminate(run, reason="enough")
    with pytest.raises(RunTerminatedError):
        sim.result(run)

    keys = [(a.seq, a.name) for a in sim.describe(run).activities if a.name == "cancel"]
    assert len(keys) == 3


@pytest.mark.construct("workflow.roll_back")
def test_an_explicit_roll_back_forgets_what_it_did(sim: Sim) -> None:
    run = sim.start(careful, "moon", id="t")

    with pytest.raises(RunFailedError):
        sim.result(run)

    assert told() == ["cancel two", "cancel one", "book moon", "cancel four"]
    assert [state for _, state in states(sim, "t")] == [
        "completed",
        "dropped",
        "completed",
        "completed",
    ]


def test_what_the_code_has_dropped_is_not_told_as_not_undone(sim: Sim) -> None:
    run = sim.start(changeable, id="t")
    sim.run_until(run, "wait.timer")

    sim.terminate(run)
    with pytest.raises(RunTerminatedError) as ended:
        sim.result(run)

    assert "Not undone" not in ended.value.message
    assert states(sim, "t") == [("cancel", "completed"), ("cancel", "dropped")]
    assert "dropped" not in sim.describe(run).summary.verdict.why


def test_the_other_tasks_of_a_failing_run_end_before_anything_is_undone(sim: Sim) -> None:
    began = sim.now
    run = sim.start(crowd, id="t")

    with pytest.raises(RunFailedError):
        sim.result(run)

    assert sim.now - began == timedelta(seconds=1)  # the day of the other task was not waited for
    assert told() == ["book moon", "book last words", "cancel main", "cancel slow"]


def test_the_replay_of_a_run_with_compensations_matches_after_every_turn(sim: Sim) -> None:
    run = sim.start(trip, ["hotel", "car", "moon"], id="t")
    with pytest.raises(RunFailedError):
        sim.result(run)
    history = sim.history(run)

    for count in range(1, len(history.turns) + 1):
        cut = replace(history, turns=history.turns[:count])
        result = replay(parse_history(dump_history(cut)), trip)
        assert result.ok, result.text()
        assert result.turns == count


@pytest.mark.construct("Client.start(timeout=)")
@pytest.mark.construct("a run out of time")
def test_a_run_out_of_time_is_ended_and_undone(sim: Sim) -> None:
    began = sim.now
    run = sim.start(patient, ["hotel"], id="t", timeout=timedelta(hours=1))

    with pytest.raises(RunTimedOutError, match="within its timeout"):
        sim.result(run)

    assert sim.now - began == timedelta(hours=1)
    assert told() == ["book hotel", "cancel hotel"]
    verdict = sim.describe(run).summary.verdict
    assert (verdict.code, verdict.label) == ("closed.timed_out", "Timed out")


def test_a_run_that_ends_in_time_is_not_touched_by_its_timeout(sim: Sim) -> None:
    run = sim.start(trip, ["hotel"], timeout=timedelta(hours=1))

    assert sim.result(run) == "booked"
    sim.advance(timedelta(hours=2))

    assert sim.describe(run).summary.status == "completed"


def test_a_timeout_must_leave_time(sim: Sim) -> None:
    with pytest.raises(ArgumentError, match="positive timedelta"):
        sim.start(trip, ["hotel"], timeout=timedelta(0))


def test_only_an_activity_can_be_registered_and_only_in_a_workflow(sim: Sim) -> None:
    with pytest.raises(ForbiddenCallError, match="only inside a workflow"):
        workflow.compensate(cancel, "hotel")

    @workflow.define(fails_on=(ArgumentError,))
    async def wrong() -> None:
        workflow.compensate(note, "hotel")  # type: ignore[arg-type]

    with pytest.raises(RunFailedError, match="expected an activity and its arguments"):
        sim.result(sim.start(wrong))


@pytest.mark.construct("shielded clean-up")
def test_clean_up_runs_during_a_cancellation(sim: Sim) -> None:
    @workflow.define
    async def tidy() -> str:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await book("caught")
            raise
        finally:
            await asyncio.shield(book("finally"))
        return "never"

    run = sim.start(tidy)
    sim.run_until(run, "wait.timer")
    sim.cancel(run)

    with pytest.raises(RunCancelledError):
        sim.result(run)
    assert told() == ["book caught", "book finally"]


@pytest.mark.construct("asyncio.Task.uncancel", "Client.cancel")
def test_a_run_may_catch_the_request_to_cancel_and_go_on(sim: Sim) -> None:
    @workflow.define
    async def stubborn() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(1000)
        await asyncio.sleep(1000)
        return "done all the same"

    run = sim.start(stubborn)
    sim.run_until(run, "wait.timer")
    sim.cancel(run)

    assert sim.result(run) == "done all the same"


def test_a_cancellation_does_not_interrupt_a_roll_back(sim: Sim) -> None:
    @workflow.define
    async def impatient() -> None:
        workflow.compensate(cancel, "one")
        workflow.compensate(cancel, "two")
        async with asyncio.timeout(1):
            await workflow.roll_back()

    def slow(what: str) -> None:
        sim.clock.advance(timedelta(seconds=5))
        done.append(f"{what} -")

    sim.fake(cancel).runs(slow)
    run = sim.start(impatient)

    with pytest.raises(RunFailedError, match="TimeoutError"):
        sim.result(run)
    assert told() == ["two", "one"]


def test_registered_arguments_are_a_content_that_is_compared(sim: Sim) -> None:
    run = sim.start(trip, ["hotel"])
    sim.result(run)

    @workflow.define(name="trip")
    async def other(what: list[str]) -> str:
        for item in what:
            workflow.compensate(cancel, item.upper())
            await book(item)
        return "booked"

    result = replay(sim.history(run), other)

    assert result.ok
    assert [(drift.code, drift.field) for drift in result.drifts] == [("DR06", "args")]
