"""The simulation: virtual time, fakes by occurrence, and errors that say what the test forgot."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from holdfast import ActivityError, Limit, Rate, Retry, activity, workflow
from holdfast.errors import ArgumentError, RunFailedError
from holdfast_testkit import NotFakedError, Sim, SimStuckError


@activity.define(
    retry=Retry(max_attempts=3, initial=timedelta(hours=1), max_interval=timedelta(days=1))
)
async def charge(amount: int) -> str:
    raise AssertionError("the real function ran")


@activity.define
async def notify(text: str) -> None:
    raise AssertionError("the real function ran")


@activity.define
def double(value: int) -> int:
    return value * 2


@workflow.define
async def order(amount: int) -> str:
    receipt = await charge(amount)
    approved = await workflow.approval(
        "ship", ask="Ship it?", to=["ops"], answer=bool, timeout=timedelta(days=3), on_timeout=False
    )
    await asyncio.sleep(86_400)
    await notify(f"{receipt} {approved}")
    return f"{receipt} {approved}"


def test_a_three_day_approval_and_a_day_of_sleep_pass_at_once(sim: Sim) -> None:
    sim.fake(charge).returns("r-1")
    told = sim.fake(notify).returns(None)
    began = sim.now
    run = sim.start(order, 5)

    assert sim.run_until(run, "person").code == "human.waiting"
    assert sim.run_until(run, "wait.timer").code == "wait.timer"
    assert sim.result(run) == "r-1 False"

    assert sim.now - began == timedelta(days=4)
    assert told.calls == [("r-1 False",)]


def test_an_approval_is_answered_by_name(sim: Sim) -> None:
    sim.fake(charge).returns("r-1")
    sim.fake(notify).returns(None)
    run = sim.start(order, 5)

    sim.approve(run, "ship", answer=True)

    assert sim.result(run) == "r-1 True"


def test_fakes_answer_by_occurrence_and_retries_take_virtual_time(sim: Sim) -> None:
    charged = sim.fake(charge).raises(ConnectionError("down")).times_out().returns("r-3")
    sim.fake(notify).returns(None)
    run = sim.start(order, 5)
    began = sim.now

    sim.run_until(run, "person")

    assert charged.calls == [(5,), (5,), (5,)]
    assert sim.now - began == timedelta(hours=1 + 2)


def test_an_activity_out_of_attempts_fails_the_run(sim: Sim) -> None:
    sim.fake(charge).raises(ConnectionError("down"))
    run = sim.start(order, 5)

    with pytest.raises(
        RunFailedError, match="charge was tried 3 times and failed: ConnectionError: down"
    ):
        sim.result(run)


def test_an_activity_without_a_fake_is_named_and_does_not_run(sim: Sim) -> None:
    run = sim.start(order, 5)

    with pytest.raises(
        NotFakedError, match=r"called charge, which has no fake. Use sim\.fake\(charge\)"
    ):
        sim.result(run)


def test_a_fake_without_an_answer_says_so(sim: Sim) -> None:
    sim.fake(charge)
    run = sim.start(order, 5)

    with pytest.raises((NotFakedError, RunFailedError), match="The fake of charge has no answer"):
        sim.result(run)


@workflow.define
async def doubling(value: int) -> int:
    return await double(value)


def test_a_real_activity_runs_when_it_is_let_through(sim: Sim) -> None:
    sim.real(double)

    assert sim.result(sim.start(doubling, 21)) == 42


def test_time_passes_in_order_when_it_is_advanced(sim: Sim) -> None:
    sim.fake(charge).returns("r")
    sim.fake(notify).returns(None)
    run = sim.start(order, 5)

    sim.advance(timedelta(days=3, hours=23))
    assert sim.describe(run).summary.verdict.code == "wait.timer"
    sim.advance(timedelta(hours=1))

    assert sim.describe(run).summary.status == "completed"


def test_asking_for_a_state_that_cannot_come_says_why(sim: Sim) -> None:
    sim.real(double)
    run = sim.start(doubling, 1)

    with pytest.raises(SimStuckError, match="ended before it became 'person': Completed"):
        sim.run_until(run, "person")
    with pytest.raises(SimStuckError, match="'persons' is no health family or code"):
        sim.run_until(run, "persons")


def test_a_simulation_may_start_at_a_chosen_time() -> None:
    leap_day = datetime(2028, 2, 29, 12, tzinfo=UTC)

    with Sim(start=leap_day) as sim:
        assert sim.now == leap_day


@workflow.define
async def careful() -> str:
    try:
        return await charge(1)
    except ActivityError as error:
        return error.type


def test_a_caught_failure_does_not_hide_a_missing_fake(sim: Sim) -> None:
    run = sim.start(careful)

    with pytest.raises(NotFakedError, match="charge"):
        sim.result(run)


class Services:
    doubling = double


@workflow.define
async def through_a_class(value: int) -> int:
    return await Services.doubling(value)


def test_an_activity_reached_through_a_class_is_faked_all_the_same(sim: Sim) -> None:
    sim.fake(double).returns(7)

    assert sim.result(sim.start(through_a_class, 1)) == 7


def test_two_workflows_of_one_name_are_refused(sim: Sim) -> None:
    @workflow.define(name="doubling")
    async def other() -> None: ...

    sim.start(doubling, 1)

    with pytest.raises(ArgumentError, match="Two workflows are called 'doubling'"):
        sim.start(other)


@workflow.define
async def vote(days: int) -> list[str]:
    votes = await workflow.approvals(
        "vote", ask="Do it?", to=["ops"], answer=bool, quorum=2, timeout=timedelta(days=days),
        on_timeout=False, notify=told_by_mail, remind=timedelta(days=4),
    )  # fmt: skip
    return [f"{vote.by}:{vote.answer}" for vote in votes]


@activity.define
async def told_by_mail(notice: workflow.ApprovalNotice) -> None:
    raise AssertionError("the real function ran")


def test_several_people_answer_by_name(sim: Sim) -> None:
    mail = sim.fake(told_by_mail).returns(None)
    run = sim.start(vote, 10)

    sim.approve(run, "vote", answer=True, by="ana")
    sim.advance(timedelta(days=5))
    sim.approve(run, "vote", answer=False, by="bo")

    assert sim.result(run) == ["ana:True", "bo:False"]
    assert [call[0].reason for call in mail.calls] == ["opened", "reminder"]


def test_a_question_becomes_due_soon_and_overdue_and_then_the_timeout_answers(sim: Sim) -> None:
    sim.fake(told_by_mail).returns(None)
    run = sim.start(vote, 10)
    began = sim.now

    assert sim.run_until(run, "human.due_soon").code == "human.due_soon"
    assert timedelta(days=8) < sim.now - began < timedelta(days=8, seconds=1)
    assert sim.run_until(run, "human.overdue").code == "human.overdue"
    assert timedelta(days=10) < sim.now - began < timedelta(days=10, seconds=1)
    assert sim.result(run) == [":False", ":False"]


@activity.define(limit=Limit("tickets", rate=Rate(1, per=timedelta(minutes=1))))
async def ticket(number: int) -> int:
    return number


@workflow.define
async def ticketing() -> list[int]:
    return [await ticket(number) for number in range(3)]


def test_time_passes_while_a_rate_holds_an_activity_back(sim: Sim) -> None:
    sim.real(ticket)
    run = sim.start(ticketing)
    began = sim.now

    assert sim.result(run) == [0, 1, 2]
    assert sim.now - began == timedelta(minutes=2)


def test_advancing_ends_while_a_limit_holds_an_activity_back(sim: Sim) -> None:
    sim.real(ticket)
    run = sim.start(ticketing)

    sim.advance(timedelta(seconds=30))

    assert [a.state for a in sim.describe(run).activities] == ["completed", "ready"]


@workflow.define
async def counting(number: int) -> int:
    await asyncio.sleep(10)
    if number < 3:
        workflow.continue_as_new(number + 1)
    return number


def test_the_result_is_that_of_the_last_run_of_a_chain() -> None:
    with Sim() as sim:
        assert sim.result(sim.start(counting, 1)) == 3
