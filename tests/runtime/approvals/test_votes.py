"""Several people answer one question: each once, in any order, and no more of them than are wanted."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator
from tests.runtime.approvals.conftest import Opener, assert_every_cut_gives_the_same_commands

from holdfast import Worker, workflow
from holdfast._store import runs
from holdfast.client import Client
from holdfast.errors import ApprovalError
from holdfast.history import ReopenApproval, dump_history, parse_history
from holdfast.replay import replay


@dataclass(frozen=True)
class Decision:
    approved: bool
    reason: str = ""


def _rejected(votes: list[workflow.Vote[Decision]]) -> bool:
    return any(not vote.answer.approved for vote in votes)


@workflow.define
async def release(quorum: int) -> list[workflow.Vote[Decision]]:
    return await workflow.approvals(
        "release", ask="Release?", to=["ops", "legal"], answer=Decision, quorum=quorum,
        enough=_rejected, timeout=timedelta(days=2), on_timeout=Decision(approved=False, reason="late"),
    )  # fmt: skip


YES = Decision(approved=True)
NO = Decision(approved=False, reason="risk")


@pytest.mark.construct("workflow.approvals", "workflow.Vote")
@pytest.mark.construct("workflow.approvals(quorum=)")
async def test_two_people_decide_and_the_run_knows_who_said_what_and_when(desk: Opener) -> None:
    d = await desk(release, 2)
    digest = (await d.approval()).digest

    await d.handle.decide("release", YES, by="ana", comment="fine", saw=digest)
    await d.work()
    half = await d.approval()
    verdict = (await d.handle.describe()).summary.verdict
    await d.after(1)
    await d.handle.decide("release", YES, by="bo")
    await d.work()
    first, second = await d.handle.result()

    assert (half.state, [vote.by for vote in half.votes]) == ("open", ["ana"])
    assert "(1 of 2 have answered), due in 2 d" in verdict.why
    assert (first.answer, first.by, first.comment, first.saw) == (YES, "ana", "fine", digest)
    assert (second.answer, second.by, second.comment, second.saw) == (YES, "bo", "", "")
    assert second.at - first.at == timedelta(hours=1)
    whole = await d.approval()
    assert (whole.state, whole.decided_by, whole.answer) == ("decided", "ana, bo", None)
    history = await d.handle.history()
    assert_every_cut_gives_the_same_commands(history, release)
    assert parse_history(dump_history(history)) == history


@pytest.mark.parametrize("again", ["ana", "ANA", "  ana ", "Ana", "\uff41\uff4e\uff41"])
async def test_the_same_person_does_not_count_twice_however_the_name_is_written(
    desk: Opener, again: str
) -> None:
    d = await desk(release, 2)
    await d.handle.decide("release", YES, by="ana")

    with pytest.raises(
        ApprovalError, match="has the answer of ana already; it needs those of diff"
    ):
        await d.handle.decide("release", NO, by=again)

    assert [vote.by for vote in (await d.approval()).votes] == ["ana"]
    assert (await d.events()).count("approval_decided") == 1


async def test_spaces_inside_a_name_do_not_make_another_person(desk: Opener) -> None:
    d = await desk(release, 2)
    await d.handle.decide("release", YES, by="Ana Maria")

    with pytest.raises(ApprovalError, match="has the answer of Ana Maria already"):
        await d.handle.decide("release", YES, by="ana   MARIA")


@pytest.mark.construct("workflow.approvals(enough=)")
async def test_enough_ends_the_approval_early_and_takes_the_rest_back(desk: Opener) -> None:
    d = await desk(release, 3)

    await d.handle.decide("release", NO, by="ana")
    await d.work()
    found = await d.approval()

    assert [vote.answer for vote in await d.handle.result()] == [NO]
    assert (found.state, [vote.by for vote in found.votes]) == ("withdrawn", ["ana"])
    assert found.note is None
    with pytest.raises(ApprovalError, match="was withdrawn"):
        await d.handle.decide("release", YES, by="bo")
    assert_every_cut_gives_the_same_commands(await d.handle.history(), release)


async def test_a_vote_that_came_after_enough_has_no_effect_and_the_row_says_so(
    desk: Opener,
) -> None:
    d = await desk(release, 2)
    await d.handle.decide("release", NO, by="ana")
    await d.handle.decide("release", YES, by="bo")

    @workflow.define(name="release")
    async def going_on(quorum: int) -> list[workflow.Vote[Decision]]:
        votes: list[workflow.Vote[Decision]] = await release.fn(quorum)
        await asyncio.sleep(60)
        return votes

    worker = Worker(d.client, workflows=[going_on])
    await worker.run_until_idle()
    found = await d.approval()

    assert found.state == "withdrawn"
    assert found.note == "The answer of bo came too late: the run had gone on without it."
    d.clock.advance(timedelta(minutes=2))
    await worker.run_until_idle()
    votes: Any = await d.client.get("r").result()
    assert [vote["by"] for vote in votes] == ["ana"]


async def test_those_who_did_not_answer_in_time_give_the_answer_of_the_timeout(
    desk: Opener,
) -> None:
    d = await desk(release, 3)
    await d.handle.decide("release", YES, by="ana")
    await d.after(72)

    votes = await d.handle.result()

    assert [(vote.by, vote.answer.reason) for vote in votes] == [
        ("ana", ""), ("", "late"), ("", "late"),
    ]  # fmt: skip
    assert (await d.approval()).state == "expired"
    assert_every_cut_gives_the_same_commands(await d.handle.history(), release)


async def test_without_an_answer_for_the_timeout_the_error_says_how_many_are_missing(
    desk: Opener,
) -> None:
    @workflow.define
    async def strict() -> None:
        await workflow.approvals(
            "a", ask="?", to=["ops"], answer=bool, quorum=3, timeout=timedelta(hours=1)
        )

    d = await desk(strict)
    await d.handle.decide("a", answer=True, by="ana")
    await d.after(2)

    why = (await d.handle.describe()).summary.verdict.why
    assert "ApprovalTimeoutError: 1 of 3 people decided 'a' within 1:00:00." in why


async def test_a_quorum_needs_people(desk: Opener) -> None:
    @workflow.define
    async def nobody() -> None:
        await workflow.approvals("a", ask="?", to=["ops"], answer=bool, quorum=0)

    d = await desk(nobody)

    why = (await d.handle.describe()).summary.verdict.why
    assert "quorum=0; expected a number of people, 1 or more" in why


async def test_an_error_in_enough_is_raised_where_the_votes_are_awaited(desk: Opener) -> None:
    def broken(_votes: object) -> bool:
        raise LookupError("no such rule")

    @workflow.define
    async def asking() -> str:
        try:
            await workflow.approvals("a", ask="?", to=["ops"], answer=bool, enough=broken)
        except LookupError as error:
            return str(error)
        return "nothing"

    d = await desk(asking)
    await d.handle.decide("a", answer=True, by="ana")
    await d.work()

    assert await d.handle.result() == "no such rule"
    assert (await d.approval()).state == "withdrawn"


async def test_votes_that_race_are_counted_one_by_one(desk: Opener, client: Client) -> None:
    d = await desk(release, 3)

    async def vote(name: str) -> str:
        try:
            await client.decide("r", "release", YES, by=name)
        except ApprovalError as error:
            return "twice" if "different people" in error.message else "closed"
        return "counted"

    names = [f"p{number % 4}" for number in range(12)]
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    random.Random(seed).shuffle(names)
    outcomes = await asyncio.gather(*(vote(name) for name in names))
    await d.work()

    assert outcomes.count("counted") == 3
    votes = await d.handle.result()
    assert len({vote.by for vote in votes}) == 3
    assert (await d.events()).count("approval_decided") == 3


def positive(value: int) -> int:
    if value <= 0:
        raise ValueError("must be positive")
    return value


Amount = Annotated[int, AfterValidator(positive)]


@workflow.define
async def budget() -> list[int]:
    votes = await workflow.approvals(
        "budget", ask="How much?", to=["ops"], answer=Amount, quorum=2,
        timeout=timedelta(days=1), on_timeout=1,
    )  # fmt: skip
    return [vote.answer for vote in votes]


@pytest.mark.parametrize("together", [True, False])
async def test_a_vote_that_only_the_code_can_refuse_is_put_back_and_the_others_stay(
    desk: Opener, *, together: bool
) -> None:
    d = await desk(budget)
    await d.handle.decide("budget", -5, by="ana")
    if not together:
        await d.work()
    await d.handle.decide("budget", 7, by="bo")
    await d.work()
    half = await d.approval()

    assert (half.state, half.decided_by, [v.by for v in half.votes]) == ("open", None, ["bo"])
    assert half.note is not None
    assert half.note.startswith("The answer of ana was put back: The answer to budget does not")
    await d.handle.decide("budget", 5, by="ana")
    await d.work()

    assert await d.handle.result() == [7, 5]
    assert (await d.approval()).decided_by == "bo, ana"
    history = await d.handle.history()
    assert_every_cut_gives_the_same_commands(history, budget)
    assert replay(history, budget).ok


async def test_a_deadline_that_passes_while_a_vote_is_put_back_counts_once(desk: Opener) -> None:
    d = await desk(budget)
    await d.handle.decide("budget", -5, by="ana")
    d.clock.advance(timedelta(days=1))
    await d.after(48)

    assert await d.handle.result() == [1, 1]
    assert (await d.events()).count("approval_expired") == 1
    commands = [c for turn in (await d.handle.history()).turns for c in turn.commands or ()]
    assert any(isinstance(c, ReopenApproval) for c in commands)
    assert (await d.approval()).state == "expired"


async def test_a_crash_between_a_vote_and_its_turn_loses_nothing(
    desk: Opener, client: Client
) -> None:
    d = await desk(release, 2)
    await d.handle.decide("release", YES, by="ana")
    # A worker takes the run and dies: nobody hands the lease back.
    lost = client.database.write_now(
        _claim, worker="dead", fingerprint=release.definition.fingerprint
    )
    await d.handle.decide("release", YES, by="bo")
    d.clock.advance(timedelta(minutes=5))
    await d.work()

    assert lost == ["r"]
    assert [vote.by for vote in await d.handle.result()] == ["ana", "bo"]
    assert_every_cut_gives_the_same_commands(await d.handle.history(), release)


def _claim(tx: Any, *, worker: str, fingerprint: str) -> list[str]:
    claims = runs.claim_runs(
        tx, worker=worker, queue="default", fingerprints={"release": fingerprint}, limit=1, lease_ms=1000
    )  # fmt: skip
    return [claim.run_id for claim in claims]


async def test_people_were_asked_for_so_many_answers_whatever_the_code_says_today(
    desk: Opener,
) -> None:
    d = await desk(release, 2)
    await d.handle.decide("release", YES, by="ana")

    @workflow.define(name="release")
    async def stricter(quorum: int) -> list[workflow.Vote[Decision]]:
        votes: list[workflow.Vote[Decision]] = await release.fn(quorum + 1)
        return votes

    worker = Worker(d.client, workflows=[stricter])
    await worker.run_until_idle()
    await d.handle.decide("release", YES, by="bo")
    await worker.run_until_idle()
    detail = await d.handle.describe()

    assert detail.summary.status == "completed"
    assert [(drift["field"], drift["code"]) for drift in detail.drifts] == [("quorum", "DR07")]
