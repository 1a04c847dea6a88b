"""The simulation of activities: every kind of timeout, pauses that an error asks for, heartbeats, and doubtful effects."""

from datetime import timedelta
from typing import Any

import pytest

from holdfast import ActivityError, ApplicationError, Retry, activity, workflow
from holdfast.errors import ArgumentError
from holdfast_testkit import Sim, SimStuckError


async def look_up(amount: int) -> None: ...


@activity.define(effect="once", reconcile=look_up, retry=Retry(max_attempts=2))
async def charge(amount: int) -> str:
    raise AssertionError("the real function ran")


@activity.define(retry=Retry(max_attempts=2, initial=timedelta(hours=1), max_interval=timedelta(hours=1)))  # fmt: skip
async def copy(pages: int) -> int:
    raise AssertionError("the real function ran")


@workflow.define
async def order(amount: int) -> str:
    try:
        return await charge(amount)
    except ActivityError as error:
        return f"{error.type} after {error.attempts}"


@workflow.define
async def copying(pages: int) -> int | str:
    try:
        return await copy(pages)
    except ActivityError as error:
        return f"{error.type} after {error.attempts}"


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("start_to_close", "TimeoutError after 2"),
        ("heartbeat", "HeartbeatTimeout after 2"),
        ("schedule_to_start", "ScheduleToStartTimeout after 1"),
        ("schedule_to_close", "ScheduleToCloseTimeout after 1"),
    ],
)
def test_each_kind_of_timeout_can_be_simulated(sim: Sim, kind: Any, ends: str) -> None:
    sim.fake(copy).times_out(kind)

    assert sim.result(sim.start(copying, 1)) == ends


def test_an_unknown_kind_of_timeout_is_refused(sim: Sim) -> None:
    with pytest.raises(ArgumentError, match=r"times_out.kind='lunch'.: expected one of 'start_to_"):
        sim.fake(copy).times_out("lunch")  # type: ignore[arg-type]  # on purpose


def test_a_pause_that_an_error_asks_for_passes_in_virtual_time(sim: Sim) -> None:
    sim.fake(copy).raises(ApplicationError("busy", retry_after=timedelta(minutes=7))).returns(3)
    run = sim.start(copying, 3)
    began = sim.now

    assert sim.result(run) == 3
    assert sim.now - began == timedelta(minutes=7)


def test_the_next_attempt_reads_what_the_one_before_said(sim: Sim) -> None:
    def first(_pages: int) -> int:
        activity.heartbeat(2)
        raise ConnectionError("down")

    sim.fake(copy).runs(first).runs(lambda _pages: activity.heartbeat_details(int))

    assert sim.result(sim.start(copying, 3)) == 2


def test_a_doubtful_effect_waits_for_a_person_whose_answer_is_simulated(sim: Sim) -> None:
    sim.fake(charge).raises(ConnectionError("lost")).returns("r-1")
    run = sim.start(order, 5)

    sim.run_until(run, "human.attention")
    sim.resolve(run, charge, happened="r-7")

    assert sim.result(run) == "r-7"


def test_a_decision_that_nobody_waits_for_is_refused(sim: Sim) -> None:
    sim.fake(charge).returns("r-1")
    run = sim.start(order, 5)

    with pytest.raises(SimStuckError, match=r"No charge of run .* is in attention"):
        sim.resolve(run, charge, retry=True)


@pytest.mark.parametrize(
    ("answer", "result"),
    [(activity.Happened("r-9"), "r-9"), (activity.NotHappened(), "r-1")],
)
def test_the_answer_of_a_probe_is_simulated(sim: Sim, answer: Any, result: str) -> None:
    sim.fake(charge).times_out().returns("r-1").reconciles(answer)

    assert sim.result(sim.start(order, 5)) == result


def test_a_probe_that_fails_in_the_simulation_ends_in_attention(sim: Sim) -> None:
    sim.fake(charge).raises(ConnectionError("lost")).reconciles(OSError("bank closed"))
    run = sim.start(order, 5)

    assert "its probe raised OSError: bank closed" in sim.run_until(run, "human.attention").why
