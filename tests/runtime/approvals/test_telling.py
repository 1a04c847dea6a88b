"""People are told, reminded and overruled by time alone; nothing of that touches the decision itself."""

from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import AfterValidator
from tests.runtime.approvals.conftest import Opener, assert_every_cut_gives_the_same_commands

from holdfast import ApplicationError, Retry, Worker, activity, workflow
from holdfast._core.wording import describe_command
from holdfast._store import events
from holdfast.clock import instant
from holdfast.errors import PayloadError, RunCancelledError
from holdfast.history import EscalateApproval, RemindApproval, StartTimer
from holdfast.replay import replay

told: list[workflow.ApprovalNotice] = []
broken: list[str] = []


@pytest.fixture(autouse=True)
def _silence() -> None:
    told.clear()
    broken.clear()


@activity.define(retry=Retry(max_attempts=2, initial=timedelta(seconds=1)))
async def tell(notice: workflow.ApprovalNotice) -> None:
    if notice.reason in broken:
        raise ConnectionError("channel_not_found")
    told.append(notice)


BOSS = workflow.Escalation(after=timedelta(hours=5), to=["boss", "ops"])
BOARD = workflow.Escalation(after=timedelta(hours=9), to=["board"])


@workflow.define
async def pay() -> bool:
    return await workflow.approval(
        "pay", ask="Pay?", to=["ops"], answer=bool, timeout=timedelta(hours=12), on_timeout=False,
        remind=timedelta(hours=2), escalate=[BOSS, BOARD], notify=tell,
    )  # fmt: skip


@pytest.mark.construct("workflow.ApprovalNotice", "workflow.Escalation")
@pytest.mark.construct(
    "workflow.approval(remind=)", "workflow.approval(escalate=)", "workflow.approval(notify=)"
)
async def test_people_are_told_at_the_opening_with_each_reminder_and_each_escalation(
    desk: Opener,
) -> None:
    d = await desk(pay, activities=[tell])
    await d.after(24)
    found = await d.approval()

    assert [(notice.reason, notice.to) for notice in told] == [
        ("opened", ["ops"]),
        ("reminder", ["ops"]),
        ("reminder", ["ops"]),
        ("escalation", ["boss", "ops"]),
        ("reminder", ["ops", "boss"]),
        ("reminder", ["ops", "boss"]),
        ("escalation", ["board"]),
        ("reminder", ["ops", "boss", "board"]),
    ]  # and the one at twelve hours comes too late
    assert {(n.run_id, n.seq, n.name, n.ask, n.digest) for n in told} == {
        ("r", found.seq, "pay", "Pay?", found.digest)
    }
    assert {n.due_at for n in told} == {instant(found.due_at or 0)}
    assert found.to == ("ops", "boss", "board")
    assert found.reminders == 5
    assert (found.reminded_at or 0) - found.opened_at == 10 * 3_600_000
    assert (found.escalated_at or 0) - found.opened_at == 9 * 3_600_000
    assert await d.handle.result() is False
    assert_every_cut_gives_the_same_commands(await d.handle.history(), pay)


async def test_a_decision_ends_all_reminders_and_escalations(desk: Opener) -> None:
    @workflow.define
    async def paying() -> bool:
        decided = await pay.fn()
        await workflow.sleep(timedelta(days=3))
        return bool(decided)

    d = await desk(paying, activities=[tell])
    await d.after(3)
    await d.handle.decide("pay", answer=True, by="ana")
    await d.work()
    waits = (await d.handle.describe()).evidence.waits
    await d.after(100)

    assert [(wait.kind, wait.fire_at) for wait in waits] == [
        ("timer", d.clock.now_ms - (100 - 72) * 3_600_000)
    ]
    assert [notice.reason for notice in told] == ["opened", "reminder"]
    assert await d.handle.result() is True
    assert_every_cut_gives_the_same_commands(await d.handle.history(), paying)


async def test_a_reminder_that_crosses_the_decision_is_ignored(desk: Opener) -> None:
    d = await desk(pay, activities=[tell])
    await d.handle.decide("pay", answer=True, by="ana")
    d.clock.advance(timedelta(hours=2))
    assert d.client.database.write_now(events.fire_due, limit=10) == 1
    await d.work()

    assert await d.handle.result() is True
    assert (await d.approval()).reminders == 0
    assert_every_cut_gives_the_same_commands(await d.handle.history(), pay)


async def test_cancelling_the_run_ends_all_reminders(desk: Opener) -> None:
    d = await desk(pay, activities=[tell])
    await d.handle.cancel(reason="no more")
    await d.after(24)

    assert len(told) == 1
    with pytest.raises(RunCancelledError):
        await d.handle.result()
    assert_every_cut_gives_the_same_commands(await d.handle.history(), pay)


async def test_every_timer_says_at_which_line_the_question_is_asked(desk: Opener) -> None:
    d = await desk(pay, activities=[tell])
    await d.after(7)
    commands = [c for turn in (await d.handle.history()).turns for c in turn.commands or ()]

    sites = {c.site for c in commands if c.kind != "complete_run"}
    assert sum(isinstance(c, StartTimer) for c in commands) == 6
    assert len(sites) == 1
    assert sites.pop().endswith(" in pay")


async def test_a_question_counts_as_delivered_when_people_have_been_told(desk: Opener) -> None:
    d = await desk(pay)  # nobody here can tell them
    before = await d.handle.describe()
    d.worker = Worker(d.client, workflows=[pay], activities=[tell])
    await d.work()

    assert before.approvals[0].delivered_at is None
    human = next(item for item in before.summary.verdict.items if item.code == "human.waiting")
    assert "(the notice is on its way)" in human.why
    assert (await d.approval()).delivered_at is not None


async def test_a_notice_that_fails_leaves_the_approval_alone_and_health_says_that_nobody_knows(
    desk: Opener,
) -> None:
    broken.append("opened")
    d = await desk(pay, activities=[tell])
    await d.after(1)
    verdict = (await d.handle.describe()).summary.verdict

    assert verdict.code == "stuck.ask_undelivered"
    assert (
        "but nobody has been told: tell failed: ConnectionError: channel_not_found." in verdict.why
    )
    assert (await d.approval()).delivered_at is None
    await d.handle.decide("pay", answer=True, by="ana")
    await d.work()
    assert await d.handle.result() is True
    assert_every_cut_gives_the_same_commands(await d.handle.history(), pay)


async def test_a_reminder_that_arrives_makes_good_for_a_notice_that_did_not(desk: Opener) -> None:
    broken.append("opened")
    d = await desk(pay, activities=[tell])
    await d.after(2.5)

    assert (await d.handle.describe()).summary.verdict.code == "human.waiting"


async def test_a_reminder_that_fails_does_not_undo_that_people_were_told(desk: Opener) -> None:
    broken.append("reminder")
    d = await desk(pay, activities=[tell])
    await d.after(4.5)

    assert (await d.handle.describe()).summary.verdict.code == "human.waiting"
    assert (await d.approval()).reminders == 2


async def test_a_question_without_a_deadline_is_reminded_until_it_is_decided(desk: Opener) -> None:
    @workflow.define
    async def patient() -> bool:
        return await workflow.approval(
            "a", ask="?", to=["ops"], answer=bool, remind=timedelta(days=1)
        )

    d = await desk(patient)
    await d.after(24 * 30)
    found = await d.approval()
    verdict = (await d.handle.describe()).summary.verdict

    assert found.reminders == 30
    assert verdict.code == "human.waiting"
    assert "(reminded 30 times); it has no deadline" in verdict.why


async def test_a_notice_that_takes_something_else_is_refused_where_it_is_asked(
    desk: Opener,
) -> None:
    @activity.define
    async def wrong(text: str) -> None: ...

    @workflow.define
    async def asking() -> None:
        await workflow.approval("a", ask="?", to=["ops"], answer=bool, notify=wrong)  # type: ignore[arg-type]  # the mistake

    d = await desk(asking, activities=[wrong])
    why = (await d.handle.describe()).summary.verdict.why

    assert "Argument 'text' of wrong" in why


async def test_a_notice_refused_for_good_is_no_error_of_the_run(desk: Opener) -> None:
    @activity.define
    async def refusing(notice: workflow.ApprovalNotice) -> None:
        raise ApplicationError("no such person", non_retryable=True)

    @workflow.define
    async def asking() -> bool:
        return await workflow.approval("a", ask="?", to=["ops"], answer=bool, notify=refusing)

    d = await desk(asking, activities=[refusing])
    await d.handle.decide("a", answer=True, by="ana")
    await d.work()

    assert await d.handle.result() is True
    assert "activity_failed" in await d.events()


@workflow.define
async def voting() -> int:
    votes = await workflow.approvals(
        "v", ask="?", to=["ops"], answer=bool, quorum=2, remind=timedelta(hours=1), notify=tell,
        escalate=BOSS,
    )  # fmt: skip
    return len(votes)


async def test_reminders_go_on_between_the_votes(desk: Opener) -> None:
    d = await desk(voting, activities=[tell])
    await d.after(1.5)
    await d.handle.decide("v", answer=True, by="ana")
    await d.after(1)
    await d.handle.decide("v", answer=True, by="bo")
    await d.work()

    assert [notice.reason for notice in told] == ["opened", "reminder", "reminder"]
    assert await d.handle.result() == 2
    assert_every_cut_gives_the_same_commands(await d.handle.history(), voting)


async def test_a_notice_that_was_not_sent_yet_is_taken_back_when_the_question_is_answered(
    desk: Opener,
) -> None:
    @workflow.define
    async def paying() -> None:
        await pay.fn()
        await workflow.sleep(timedelta(days=1))

    d = await desk(paying)  # nobody here can tell people
    await d.handle.decide("pay", answer=True, by="ana")
    await d.work()
    detail = await d.handle.describe()

    assert [(a.name, a.state) for a in detail.activities] == [("tell", "cancelled")]
    assert detail.summary.verdict.code == "wait.timer"
    assert_every_cut_gives_the_same_commands(await d.handle.history(), paying)


def only_the_opening(notice: workflow.ApprovalNotice) -> workflow.ApprovalNotice:
    if notice.reason != "opened":
        raise ValueError("no reminders, please")
    return notice


@activity.define
async def picky(
    notice: Annotated[workflow.ApprovalNotice, AfterValidator(only_the_opening)],
) -> None: ...


async def test_an_error_at_the_time_of_a_reminder_is_raised_where_the_approval_is_awaited(
    desk: Opener,
) -> None:
    @workflow.define
    async def asking() -> str:
        try:
            await workflow.approval(
                "a", ask="?", to=["ops"], answer=bool, remind=timedelta(hours=1), notify=picky
            )
        except PayloadError as error:
            return error.message
        return "decided"

    d = await desk(asking, activities=[picky])
    await d.after(2)

    assert "no reminders, please" in await d.handle.result()
    assert (await d.approval()).state == "withdrawn"
    assert_every_cut_gives_the_same_commands(await d.handle.history(), asking)


async def test_code_that_no_longer_reminds_is_told_which_reminder_is_missing(desk: Opener) -> None:
    d = await desk(voting, activities=[tell])
    await d.after(6)

    @workflow.define(name="voting")
    async def silent() -> int:
        votes = await workflow.approvals(
            "v", ask="?", to=["ops"], answer=bool, quorum=2, escalate=BOSS, notify=tell
        )
        return len(votes)

    @workflow.define(name="voting")
    async def gentle() -> int:
        await workflow.approvals(
            "v", ask="?", to=["ops"], answer=bool, quorum=2, remind=timedelta(hours=1), notify=tell
        )
        return 2

    history = await d.handle.history()

    assert "timer 3600 s" in str(replay(history, silent).difference)
    assert not replay(history, gentle).ok
    assert replay(history, voting).ok


async def test_a_difference_at_a_reminder_or_an_escalation_is_named_in_words() -> None:
    reminder = RemindApproval(seq=4, site="flow.py:1 in flow", target=1)
    escalation = EscalateApproval(seq=5, site="flow.py:1 in flow", target=1, to=["boss"])

    assert describe_command(reminder) == "reminder of #1"
    assert describe_command(escalation) == "escalation of #1"
