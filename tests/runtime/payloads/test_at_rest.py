"""Whatever runs say, ask, undo, copy and hand on is sealed at rest, and comes back out of every copy."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast import ApplicationError, Client, Retry, RunHandle, Worker, activity, workflow
from holdfast._store.sealing import SEALED
from holdfast._store.tables import activity as activity_table
from holdfast.clock import VirtualClock
from holdfast.errors import RunFailedError, SealedPayloadError, UpdateRefusedError
from holdfast.payloads import Compress, Encrypt, new_key
from holdfast.replay import replay

KEY = new_key("k1")
SECRET = "Sesame-4711"


@activity.define(retry=Retry(max_attempts=1))
async def refund(card: str) -> None:
    raise ApplicationError(f"cannot refund {card}")


@activity.define(effect="once")
async def wire(card: str) -> str:
    raise RuntimeError(f"no answer for {card}")


@workflow.define
async def part(card: str) -> str:
    return f"part of {card}"


@workflow.define
async def broken_part(card: str) -> str:
    raise ApplicationError(f"broken {card}")


SAY = workflow.Signal("say", str)
ASK = workflow.Update("ask", str, str)


@workflow.define
async def talking(card: str, chapter: int) -> str:
    workflow.publish("last", card)
    if chapter == 1:
        heard = await SAY.receive()
        said = await workflow.run_child(part, heard)
        try:
            await workflow.run_child(broken_part, heard)
        except Exception as error:  # noqa: BLE001 - whatever a child raises
            said += str(error)
        workflow.continue_as_new(said, 2)
    asked: list[str] = []

    def answer(question: str) -> str:
        if question.startswith("no"):
            raise ApplicationError(f"not {question}")
        asked.append(question)
        return f"{question}, {card}"

    ASK.handle(answer)
    await workflow.wait_until(lambda: bool(asked), f"a question about {SECRET}")
    return asked[0]


@workflow.define
async def undoing(card: str) -> None:
    workflow.compensate(refund, card)
    await workflow.approvals(
        "two", ask=f"Charge {card}?", to=[card], answer=str, quorum=2, shows={"card": card}
    )
    await wire(card)


def opened(folder: Path, clock: VirtualClock, key: str | None = KEY) -> Client:
    return Client(
        folder / "h.db", clock=clock, codecs=[Compress(threshold=10), Encrypt(key)] if key else []
    )


async def work(client: Client, clock: VirtualClock) -> None:
    for _ in range(3):
        await Worker(
            client, workflows=[talking, undoing, part, broken_part], activities=[refund, wire]
        ).run_until_idle()
        clock.advance(timedelta(seconds=6))


def at_rest(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("h.db*"))


@pytest.fixture
async def client(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Client]:
    async with opened(tmp_path, clock) as client:
        yield client


async def asked_of_two(client: Client, clock: VirtualClock) -> RunHandle[None]:
    """Return a run with a question that one of two people has answered."""
    handle = await client.start(undoing, SECRET, id="u")
    await work(client, clock)
    await handle.decide("two", f"yes {SECRET}", by="ana", comment=SECRET)
    await work(client, clock)
    return handle


async def test_signals_updates_children_and_what_continues_a_run_are_sealed_and_read(
    client: Client, tmp_path: Path, clock: VirtualClock
) -> None:
    await client.start(talking, SECRET, 1, id="t")
    await work(client, clock)
    await client.signal("t", SAY, SECRET, message="m1")
    assert not await client.signal("t", SAY, SECRET, message="m1")
    await work(client, clock)
    published = await client.query("t", "last")
    waiting = (await client.describe("t~2")).summary.verdict.why
    await client.pause("t~2", reason=SECRET, by="ana")
    paused = (await client.describe("t~2")).summary.verdict.why
    await client.resume("t~2")

    client_side = []
    for question in (f"no {SECRET}", f"what of {SECRET}"):
        with pytest.raises(TimeoutError):
            await client.update("t", ASK, question, id=question[:2], timeout=timedelta(0))
        await work(client, clock)
    with pytest.raises(UpdateRefusedError, match=SECRET):
        await client.update("t", ASK, f"no {SECRET}", id="no")
    client_side.append(await client.update("t", ASK, f"what of {SECRET}", id="wh"))

    assert (published.count(SECRET), client_side[0].count(SECRET)) == (2, 3)
    assert f"a question about {SECRET}" in waiting
    assert SECRET in paused
    assert SECRET in await client.get("t", talking).result()
    assert SECRET.encode() not in at_rest(tmp_path)


async def test_a_run_that_waits_for_a_child_is_judged_by_it_where_payloads_are_sealed(
    client: Client, clock: VirtualClock
) -> None:
    await client.start(talking, SECRET, 1, id="t")
    await client.signal("t", SAY, SECRET)
    await Worker(client, workflows=[talking]).run_until_idle()

    item = (await client.describe("t")).summary.verdict.worst
    assert item.code == "wait.child"  # it was "stuck.child_missing" when the child's id was sealed
    assert "t.2" in item.why


async def test_questions_votes_compensations_and_what_people_resolve_are_sealed_and_read(
    client: Client, tmp_path: Path, clock: VirtualClock
) -> None:
    handle = await asked_of_two(client, clock)
    (question,) = await client.approvals()
    await handle.decide("two", f"yes {SECRET}", by="bo", comment=SECRET, saw=question.digest)
    await work(client, clock)
    (held,) = [row for row in (await handle.describe()).activities if row.name == "wire"]
    await client.resolve_activity("u", held.seq, by="ana", fail=f"the bank lost {SECRET}")
    await work(client, clock)
    detail = await handle.describe()
    with pytest.raises(RunFailedError, match=SECRET):
        await handle.result()

    assert question.shows == {"card": SECRET}
    assert [(vote.by, vote.comment) for vote in question.votes] == [("ana", SECRET)]
    assert SECRET in (held.error_message or "")
    assert f"cannot refund {SECRET}" in str(detail.evidence.closing)
    assert {row.resolution for row in detail.activities} >= {f"fail: the bank lost {SECRET}"}
    assert SECRET.encode() not in at_rest(tmp_path)
    assert question.digest.encode() not in at_rest(tmp_path)


async def test_a_terminated_run_is_compensated_and_its_reason_is_sealed(
    client: Client, tmp_path: Path, clock: VirtualClock
) -> None:
    handle = await asked_of_two(client, clock)
    await client.terminate("u", reason=f"fraud with {SECRET}")
    await work(client, clock)
    closing = str((await handle.describe()).evidence.closing)

    assert f"fraud with {SECRET}" in closing
    assert f"cannot refund {SECRET}" in closing
    assert SECRET.encode() not in at_rest(tmp_path)


async def test_a_fork_reads_what_was_sealed_for_the_original_and_seals_it_again(
    client: Client, tmp_path: Path, clock: VirtualClock
) -> None:
    handle = await asked_of_two(client, clock)
    turns = len((await handle.history()).turns)
    fork = await client.fork("u", at=turns, id="f")
    await work(client, clock)
    (copy,) = await client.approvals(run_id="f")
    await fork.decide("two", "yes", by="bo")
    await work(client, clock)
    detail = await fork.describe()

    assert (copy.ask, copy.to, copy.shows) == (f"Charge {SECRET}?", (SECRET,), {"card": SECRET})
    assert [(vote.answer, vote.comment) for vote in copy.votes] == [(f"yes {SECRET}", SECRET)]
    assert copy.digest == (await client.approvals(run_id="u"))[0].digest
    assert replay(await fork.history(), undoing).ok
    assert SECRET in (detail.activities[0].error_message or "")
    assert SECRET.encode() not in at_rest(tmp_path)


async def test_what_was_sealed_cannot_be_copied_without_the_key(
    client: Client, tmp_path: Path, clock: VirtualClock
) -> None:
    handle = await asked_of_two(client, clock)
    async with opened(tmp_path, clock, None) as without:
        with pytest.raises(SealedPayloadError, match="key k1 is not known here"):
            await without.fork(handle.id, at=1, id="f")
        assert [row.id for row in await without.list()] == ["u"]


async def test_a_run_that_another_process_must_compensate_does_not_end_the_worker(
    client: Client, tmp_path: Path, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    handle = await client.start(undoing, SECRET, id="u", timeout=timedelta(hours=1))
    await work(client, clock)
    clock.advance(timedelta(hours=2))
    async with opened(tmp_path, clock, None) as without:
        await without.start(part, "x", id="p")
        await work(without, clock)
        other = (await without.describe("p")).summary.status
        left = (await without.describe("u")).summary.status
    await work(client, clock)

    assert (other, left) == ("completed", "open")
    told = [line for line in caplog.messages if "is left to a process that can read" in line]
    assert len(told) == 1  # however often the worker looks
    assert told[0].startswith("The end of run u, whose time is up, is left to a process that can")
    assert "key k1 is not known here" in told[0]
    assert (await handle.describe()).summary.status == "timed_out"


def test_the_columns_that_move_with_a_row_are_columns_that_there_are() -> None:
    tables = activity_table.metadata.tables
    for name, (number, in_bytes, in_text) in SEALED.items():
        assert {number, *in_bytes, *in_text} <= set(tables[name].c.keys())
