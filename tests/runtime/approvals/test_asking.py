"""A question shows what it is about, and the record says what each person saw of it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tests.runtime.approvals.conftest import Opener, assert_every_cut_gives_the_same_commands

from holdfast import workflow
from holdfast._store import approvals, events
from holdfast._store.records import Ballot
from holdfast.errors import ApprovalError, ArgumentError
from holdfast.history import ApprovalDecided, CancelCommand


@dataclass(frozen=True)
class Refund:
    order: str
    euros: int
    tags: frozenset[str] = frozenset()


@workflow.define
async def refund(euros: int) -> bool:
    return await workflow.approval(
        "refund", ask="Refund?", to=["ops"], answer=bool, shows=Refund("o-1", euros, frozenset({"b", "a"})),
    )  # fmt: skip


@pytest.mark.construct("workflow.approval(shows=)")
async def test_what_a_question_is_about_is_recorded_and_shown(desk: Opener) -> None:
    d = await desk(refund, 640)

    found = await d.approval()

    assert found.shows == {"order": "o-1", "euros": 640, "tags": ["a", "b"]}
    assert len(found.digest) == 64


@pytest.mark.construct("who decided, and a digest of what they saw")
async def test_the_record_says_what_the_person_saw(desk: Opener) -> None:
    d = await desk(refund, 640)
    digest = (await d.approval()).digest

    await d.handle.decide("refund", answer=True, by="ana", saw=digest[:12].upper())
    await d.work()

    decided = next(
        turn.event
        for turn in (await d.handle.history()).turns
        if isinstance(turn.event, ApprovalDecided)
    )
    assert decided.saw == digest
    assert [vote.saw for vote in (await d.approval()).votes] == [digest]
    assert_every_cut_gives_the_same_commands(await d.handle.history(), refund)


async def test_a_decision_that_does_not_say_what_it_saw_is_recorded_as_such(desk: Opener) -> None:
    d = await desk(refund, 640)

    await d.handle.decide("refund", answer=True, by="ana")

    assert [vote.saw for vote in (await d.approval()).votes] == [""]


@pytest.mark.parametrize("saw", ["0" * 64, "0" * 12, "abc", "%", "é" * 20])
async def test_a_decision_on_another_question_than_the_one_that_is_open_is_refused(
    desk: Opener, saw: str
) -> None:
    d = await desk(refund, 640)

    with pytest.raises(ApprovalError, match=r"has changed since you saw it\. Reload it"):
        await d.handle.decide("refund", answer=True, by="ana", saw=saw)

    assert (await d.approval()).state == "open"
    assert await d.events() == ["run_started"]


async def test_the_beginning_of_a_digest_must_be_long_enough_to_mean_it(desk: Opener) -> None:
    d = await desk(refund, 640)
    digest = (await d.approval()).digest

    with pytest.raises(ApprovalError, match="has changed since you saw it"):
        await d.handle.decide("refund", answer=True, by="ana", saw=digest[:7])
    await d.handle.decide("refund", answer=True, by="ana", saw=digest[:8])


async def test_another_content_is_another_digest_and_other_people_are_not(
    desk: Opener, client: Any
) -> None:
    @workflow.define
    async def three(first: str) -> None:
        for to, shows in ((["ops"], 1), (["sales"], 1), (["ops"], 2)):
            await workflow.approval("same", ask="Ok?", to=to, answer=bool, shows=shows)

    d = await desk(three, "x")
    digests = []
    for _ in range(3):
        digests.append((await d.approval()).digest)
        await d.handle.decide("same", answer=True, by="ana")
        await d.work()

    assert digests[0] == digests[1] != digests[2]


async def test_an_answer_to_the_first_question_is_not_taken_for_the_second_of_that_name(
    desk: Opener,
) -> None:
    @workflow.define
    async def twice() -> list[bool]:
        return [
            await workflow.approval("pay", ask=f"Pay {n}?", to=["ops"], answer=bool) for n in (1, 2)
        ]

    d = await desk(twice)
    first = (await d.approval()).digest
    await d.handle.decide("pay", answer=True, by="ana", saw=first)
    await d.work()

    with pytest.raises(ApprovalError, match="has changed since you saw it"):
        await d.handle.decide("pay", answer=True, by="bo", saw=first)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "ops"}, "to='ops'; expected a list of names"),
        ({"remind": timedelta(0)}, "remind=.*expected a timedelta of 0:00:01 or more"),
        ({"timeout": timedelta(0)}, "timeout=.*leaves no time at all"),
        (
            {"timeout": 30},
            r"timeout=30; expected a timedelta or None, for example timedelta\(seconds=30\)",
        ),
        ({"ask": None}, "ask=None; expected a str, the question"),
        (
            {"timeout": timedelta(1), "on_timeout": "no"},
            "on_timeout='no' is no answer of the type bool: .*It is a str",
        ),
        (
            {"timeout": timedelta(1), "on_timeout": None},
            "on_timeout=None is no answer of the type bool",
        ),
        ({"escalate": "boss"}, "escalate='boss'; expected a list of workflow.Escalation"),
        ({"notify": print}, "notify=.*expected an activity that takes a workflow.ApprovalNotice"),
        (
            {"escalate": workflow.Escalation(after=timedelta(0), to=["a"])},
            "after=.*leaves no time at all",
        ),
        ({"escalate": [workflow.Escalation(after=timedelta(1), to=[])]}, "names nobody"),
        ({"escalate": workflow.Escalation(after=timedelta(1), to="boss")}, "to='boss'"),
    ],
    ids=str,
)
async def test_a_question_that_makes_no_sense_is_refused_where_it_is_asked(
    desk: Opener, options: dict[str, Any], words: str
) -> None:
    refused: list[str] = []

    @workflow.define
    async def asking() -> None:
        arguments: dict[str, Any] = {"ask": "?", "to": ["ops"], "answer": bool, **options}
        with pytest.raises(ArgumentError, match=words) as caught:
            await workflow.approval("a", **arguments)
        refused.append(caught.value.message)

    d = await desk(asking)

    assert refused
    assert refused[0].startswith("Approval 'a': ")
    assert await d.kinds() == ["complete_run"]


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ({"by": ""}, "needs 1 to 200 characters"),
        ({"by": " \t\n"}, "needs 1 to 200 characters"),
        ({"by": "x" * 201}, "needs 1 to 200 characters"),
        ({"by": "a\u200bna"}, "characters that nobody can see"),
        ({"by": "a\nna"}, "characters that nobody can see"),
        ({"by": "ana\udce9"}, "characters that nobody can see"),
        ({"comment": "x" * 2_000_001}, "The comment has 2,000,001 characters; the limit is"),
        ({"comment": "caf\udce9"}, "The comment is not valid text"),
        ({"comment": "a\0b"}, "has a NUL character"),
    ],
    ids=lambda value: str(value)[:30].encode("ascii", "replace").decode(),
)
async def test_a_decision_that_cannot_be_read_later_is_refused_and_nothing_is_written(
    desk: Opener, decision: dict[str, str], words: str
) -> None:
    d = await desk(refund, 640)

    with pytest.raises(ArgumentError, match=words):
        await d.handle.decide("refund", answer=True, **{"by": "ana", **decision})

    assert (await d.approval()).votes == ()
    assert await d.events() == ["run_started"]


async def test_an_old_deadline_of_the_code_wins_over_a_later_decision_and_the_row_says_so(
    desk: Opener,
) -> None:
    # The deadline of the code fires, a person decides, and only then a worker comes.
    @workflow.define
    async def hurried() -> str:
        try:
            async with asyncio.timeout(3600):
                await workflow.approval("a", ask="?", to=["ops"], answer=bool)
        except TimeoutError:
            await asyncio.sleep(60)
            return "late"
        return "decided"

    d = await desk(hurried)
    d.clock.advance(timedelta(hours=1))
    assert d.client.database.write_now(events.fire_due, limit=10) == 1
    await d.handle.decide("a", answer=True, by="ana")
    await d.work()
    found = await d.approval()

    assert (found.state, found.decided_by) == ("withdrawn", "ana")
    assert found.note == "The answer of ana came too late: the run had gone on without it."
    with pytest.raises(ApprovalError, match="was withdrawn: the run went on without it already"):
        await d.handle.decide("a", answer=True, by="bo")
    await d.after(1)
    assert await d.handle.result() == "late"
    assert_every_cut_gives_the_same_commands(await d.handle.history(), hurried)


@pytest.mark.construct("a decision and its deadline cannot both count")
async def test_the_deadline_of_the_approval_and_a_decision_cannot_both_count(desk: Opener) -> None:
    @workflow.define
    async def asking() -> bool:
        return await workflow.approval(
            "a", ask="?", to=["ops"], answer=bool, timeout=timedelta(hours=1), on_timeout=False
        )

    d = await desk(asking)
    d.clock.advance(timedelta(hours=1))
    d.client.database.write_now(events.fire_due, limit=10)
    ballot = Ballot(answer=True, by="ana", comment="", saw="")

    with pytest.raises(ApprovalError, match="ran out of time already"):
        d.client.database.write_now(approvals.decide, "r", "a", ballot)

    await d.work()
    assert await d.handle.result() is False
    assert (await d.approval()).votes == ()


async def test_taking_a_question_back_withdraws_it_and_its_timers(desk: Opener) -> None:
    @workflow.define
    async def losing() -> str:
        asked = asyncio.create_task(
            workflow.approval(
                "a", ask="?", to=["ops"], answer=bool, remind=timedelta(hours=8),
                escalate=workflow.Escalation(after=timedelta(hours=9), to=["boss"]),
            )
        )  # fmt: skip
        await asyncio.sleep(3600)
        asked.cancel()
        await asyncio.sleep(3600)
        return "went on"

    d = await desk(losing)
    await d.after(1)
    detail = await d.handle.describe()
    history = await d.handle.history()
    commands = [c for turn in history.turns for c in turn.commands or ()]
    taken = {c.target for c in commands if isinstance(c, CancelCommand)}

    assert detail.approvals[0].state == "withdrawn"
    assert len(detail.evidence.waits) == 1  # the sleep of the code, and nothing of the approval
    assert {c.kind for c in commands if c.seq in taken} == {"request_approval", "start_timer"}
    assert len(taken) == 3
    await d.after(24)
    assert await d.handle.result() == "went on"
    assert_every_cut_gives_the_same_commands(await d.handle.history(), losing)
