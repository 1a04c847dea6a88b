"""An effect that must not happen twice: a probe finds out what happened, or a person says it; nothing is guessed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from holdfast import ActivityError, ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast._store import activities, attempts, limits
from holdfast._store.records import ActivityClaim
from holdfast.clock import VirtualClock
from holdfast.errors import (
    ArgumentError,
    LeaseLostError,
    RunCancelledError,
    RunClosedError,
    RunFailedError,
    UnknownRunError,
    UsageError,
)
from holdfast.health import Family
from holdfast.history import Failure

Drive = Callable[..., Awaitable[None]]
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Receipt:
    number: int


@dataclass
class Bank:
    """Be the outside world: what it was asked to do, and how it behaves."""

    charges: list[str]
    asked: list[tuple[str, str]]
    errors: list[BaseException]
    answers: list[Any]


bank = Bank([], [], [], [])


@pytest.fixture(autouse=True)
def _new_bank() -> None:
    for part in (bank.charges, bank.asked, bank.errors, bank.answers):
        part.clear()


async def look_up(customer: str) -> Any:
    bank.asked.append((customer, activity.idempotency_key()))
    answer = bank.answers.pop(0) if len(bank.answers) > 1 else bank.answers[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer


@activity.define(
    effect="once", reconcile=look_up, retry=Retry(max_attempts=3, initial=SECOND, backoff=1.0)
)
async def charge(customer: str) -> Receipt:
    bank.charges.append(activity.idempotency_key())
    if bank.errors:
        raise bank.errors.pop(0)
    return Receipt(len(bank.charges))


@workflow.define
async def order(customer: str) -> str:
    try:
        receipt = await charge(customer)
    except ActivityError as error:
        return f"{error.type}: {error.message}"
    return f"receipt {receipt.number}"


@activity.define(name="charge", effect="once", retry=Retry(max_attempts=2, initial=timedelta(0)))
async def charge_blindly(customer: str) -> Receipt:
    bank.charges.append(customer)
    if bank.errors:
        raise bank.errors.pop(0)
    return Receipt(1)


@workflow.define(name="order")
async def blind_order(customer: str) -> str:
    try:
        receipt = await charge_blindly(customer)
    except ActivityError as error:
        return f"{error.type}: {error.message}"
    return f"receipt {receipt.number}"


def worker_of(client: Client) -> Worker:
    return Worker(client, workflows=[order], activities=[charge])


async def state(handle: Any) -> str:
    found: str = (await handle.describe()).activities[0].state
    return found


@pytest.mark.construct(
    "activity.define(effect=)", "activity.define(reconcile=)", "activity.Happened"
)
async def test_an_effect_that_the_probe_finds_is_not_repeated(client: Client, drive: Drive) -> None:
    bank.errors[:] = [ConnectionError("lost the answer")]
    bank.answers[:] = [activity.Happened(Receipt(71))]
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="closed.completed")

    assert await handle.result() == "receipt 71"
    assert bank.charges == ["r/1"]
    assert bank.asked == [("ann", "r/1")]
    row = (await handle.describe()).activities[0]
    assert (row.state, row.attempt) == ("completed", 1)


@pytest.mark.construct("activity.NotHappened")
async def test_an_effect_that_the_probe_does_not_find_is_tried_again_by_the_policy(
    client: Client, clock: VirtualClock, drive: Drive
) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    bank.answers[:] = [activity.NotHappened()]
    began = clock.now_ms
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="closed.completed")

    assert await handle.result() == "receipt 2"
    assert bank.charges == ["r/1", "r/1"]
    assert clock.now_ms - began == 1_000
    assert (await handle.describe()).retries_used == 1


async def test_attempts_end_when_the_policy_says_so_although_nothing_ever_happened(
    client: Client, drive: Drive
) -> None:
    bank.errors[:] = [ConnectionError(f"lost {n}") for n in "abc"]
    bank.answers[:] = [activity.NotHappened()]
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="closed.completed")

    assert await handle.result() == (
        "ConnectionError: Activity charge was tried 3 times and failed: ConnectionError: lost c"
    )
    assert len(bank.charges) == len(bank.asked) == 3


async def test_an_application_error_says_that_nothing_happened_and_needs_no_probe(
    client: Client, drive: Drive
) -> None:
    bank.errors[:] = [ApplicationError("busy"), ApplicationError("refused", non_retryable=True)]
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="closed.completed")

    assert "ApplicationError: refused" in await handle.result()
    assert (len(bank.charges), bank.asked) == (2, [])


@pytest.mark.construct("attention")
async def test_a_probe_that_cannot_tell_leaves_it_to_a_person(
    client: Client, clock: VirtualClock, drive: Drive
) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    bank.answers[:] = [None]
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="human.attention")
    clock.advance(timedelta(days=300))
    await worker_of(client).run_until_idle()

    verdict = (await handle.describe()).summary.verdict
    assert (verdict.code, verdict.family) == ("human.attention", Family.PERSON)
    assert verdict.why == (
        "Nobody knows whether attempt 1 of charge (#1) had its effect: ConnectionError: lost; "
        "its probe cannot tell whether it happened."
    )
    assert (len(bank.charges), len(bank.asked)) == (1, 1)


async def test_a_probe_that_fails_is_asked_a_few_times_before_a_person_is(
    client: Client, clock: VirtualClock, drive: Drive
) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    bank.answers[:] = [OSError("bank closed")]
    began = clock.now_ms
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="human.attention")

    assert (len(bank.charges), len(bank.asked)) == (1, 4)
    assert clock.now_ms - began == 1_000 + 2_000 + 4_000
    why = (await handle.describe()).summary.verdict.why
    assert "its probe raised OSError: bank closed" in why


async def test_a_probe_that_recovers_decides(client: Client, drive: Drive) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    bank.answers[:] = [OSError("closed"), OSError("closed"), activity.Happened(Receipt(5))]
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="closed.completed")

    assert await handle.result() == "receipt 5"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("yes", "its probe look_up answered 'yes'; expected Happened"),
        (activity.Happened("yes"), "its probe found the effect, and The result of charge cannot be encoded as Receipt"),
        (activity.Happened, "answered <class 'holdfast.activity.Happened'>"),
    ],
)  # fmt: skip
async def test_an_answer_that_means_nothing_is_no_answer(
    client: Client, drive: Drive, answer: Any, why: str
) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    bank.answers[:] = [answer]
    handle = await client.start(order, "ann", id="r")

    await drive(worker_of(client), "r", until="human.attention")

    assert why in (await handle.describe()).summary.verdict.why


async def test_without_a_probe_a_person_is_asked_at_once(client: Client) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    handle = await client.start(blind_order, "ann")

    await Worker(client, workflows=[blind_order], activities=[charge_blindly]).run_until_idle()

    assert (await handle.describe()).summary.verdict.code == "human.attention"
    assert bank.charges == ["ann"]


# Attempts that end from outside


def claim(client: Client, lease_ms: int = 3_600_000) -> list[ActivityClaim]:
    return client.database.write_now(
        activities.claim_activities, worker_id="w", queue="default", names=["charge"], limit=9, lease_ms=lease_ms
    )  # fmt: skip


async def leased(client: Client, **options: Any) -> tuple[Any, ActivityClaim]:
    step = charge.with_options(**options)

    @workflow.define(name="order")
    async def flow(customer: str) -> str:
        try:
            return f"receipt {(await step(customer)).number}"
        except ActivityError as error:
            return error.type

    handle = await client.start(flow, "ann", id="r")
    await Worker(client, workflows=[flow]).run_until_idle()
    return handle, claim(client)[0]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, "WorkerLost"),
        ({"heartbeat": SECOND}, "HeartbeatTimeout"),
        ({"timeout": SECOND}, "TimeoutError"),
        ({"schedule_to_close": SECOND}, "ScheduleToCloseTimeout"),
        ({"retry": Retry(max_attempts=1)}, "WorkerLost"),
    ],
)
async def test_an_attempt_that_a_limit_ends_goes_to_the_probe_and_is_fenced(
    client: Client, clock: VirtualClock, options: dict[str, Any], error: str
) -> None:
    handle, zombie = await leased(client, **options)
    # The worker is lost only where nothing else ends the attempt before.
    clock.advance(timedelta(hours=1) if error == "WorkerLost" else 3 * SECOND)
    client.database.write_now(limits.enforce, limit=10)

    found = claim(client)

    assert [(c.probe, c.attempt, c.key) for c in found] == [(True, 1, "r/1")]
    assert (await handle.describe()).activities[0].error_type == error
    with pytest.raises(LeaseLostError):
        client.database.write_now(attempts.complete_activity, zombie, {"number": 1})


async def test_an_attempt_out_of_time_whose_effect_is_found_has_its_result(
    client: Client, clock: VirtualClock
) -> None:
    handle, _ = await leased(client, schedule_to_close=SECOND)
    clock.advance(SECOND)
    bank.answers[:] = [activity.Happened(Receipt(9))]

    await worker_of(client).run_until_idle()

    assert await state(handle) == "completed"
    assert await handle.result() == "receipt 9"


async def test_an_attempt_out_of_time_whose_effect_is_not_found_fails_for_good(
    client: Client, clock: VirtualClock
) -> None:
    handle, _ = await leased(client, schedule_to_close=SECOND)
    clock.advance(SECOND)
    bank.answers[:] = [activity.NotHappened()]

    await worker_of(client).run_until_idle()

    assert (await handle.result()).startswith("ScheduleToCloseTimeout: ")
    assert bank.charges == []


async def test_workers_that_vanish_during_the_probe_do_not_start_an_attempt(
    client: Client, clock: VirtualClock
) -> None:
    handle, _ = await leased(client)
    probes = 0
    for _ in range(20):
        clock.advance(timedelta(hours=1))
        client.database.write_now(limits.enforce, limit=10)
        clock.advance(timedelta(minutes=1))
        found = claim(client)
        assert all(c.probe for c in found)
        probes += len(found)

    assert probes == attempts.MAX_PROBES
    assert await state(handle) == "attention"


async def test_a_worker_that_is_stopped_leaves_its_attempt_to_the_probe(client: Client) -> None:
    _, mine = await leased(client)

    client.database.write_now(activities.give_up_attempts, [(mine, None)])
    probe = claim(client)
    client.database.write_now(activities.give_up_attempts, [(probe[0], None)])
    again = claim(client)

    assert [c.probe for c in (*probe, *again)] == [True, True]
    assert [c.attempt for c in (*probe, *again)] == [1, 1]


async def test_code_that_has_lost_its_probe_asks_a_person(client: Client) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    handle = await client.start(order, "ann")
    await Worker(client, workflows=[order]).run_until_idle()
    (mine,) = claim(client)
    lost = Failure(type="ConnectionError", message="lost")
    client.database.write_now(attempts.fail_attempt, mine, lost, retry_in_ms=0, unknown=True)

    await Worker(client, workflows=[order], activities=[charge_blindly]).run_until_idle()

    assert "has no reconcile function" in (await handle.describe()).summary.verdict.why
    assert bank.charges == []


# What a person decides


async def in_attention(client: Client) -> Any:
    bank.errors[:] = [ConnectionError("lost")]
    handle = await client.start(blind_order, "ann", id="r")
    await Worker(client, workflows=[blind_order], activities=[charge_blindly]).run_until_idle()
    assert await state(handle) == "attention"
    return handle


async def go_on(client: Client) -> None:
    await Worker(client, workflows=[blind_order], activities=[charge_blindly]).run_until_idle()


@pytest.mark.parametrize("result", [Receipt(12), {"number": 12}])
@pytest.mark.construct("Client.resolve_activity")
async def test_a_person_who_knows_the_result_completes_the_activity(
    client: Client, result: Any
) -> None:
    handle = await in_attention(client)

    await client.resolve_activity("r", 1, happened=result, by=" ana ")
    await go_on(client)

    assert await handle.result() == "receipt 12"
    row = (await handle.describe()).activities[0]
    assert (row.resolution, row.resolved_by) == ("happened", "ana")
    assert bank.charges == ["ann"]


async def test_a_person_who_knows_that_nothing_happened_starts_another_attempt_in_spite_of_all_limits(
    client: Client,
) -> None:
    handle = await in_attention(client)
    bank.errors[:] = [ConnectionError("lost again")]
    await client.resolve_activity("r", 1, retry=True, by="ana")
    await go_on(client)
    assert await state(handle) == "attention"  # the second of two attempts, and again nobody knows

    await client.resolve_activity("r", 1, retry=True, by="ana")
    await go_on(client)

    assert await handle.result() == "receipt 1"
    assert len(bank.charges) == 3
    row = (await handle.describe()).activities[0]
    assert (row.attempt, row.resolution, row.resolved_by) == (3, "retry", "ana")


async def test_a_person_can_let_the_activity_fail(client: Client) -> None:
    handle = await in_attention(client)

    await client.resolve_activity("r", 1, fail="the card is blocked", by="ana")
    await go_on(client)

    assert await handle.result() == (
        "Resolved: Activity charge was tried once and failed: Resolved: the card is blocked (decided by ana)"
    )


@pytest.mark.parametrize("wrong", ["12", {"number": "twelve"}, {"total": 3}, None])
async def test_a_result_that_does_not_fit_is_refused_before_anything_is_written(
    client: Client, wrong: Any
) -> None:
    handle = await in_attention(client)

    with pytest.raises(ArgumentError, match=r"does not decode as Receipt.*Nothing was written"):
        await client.resolve_activity("r", 1, happened=wrong, by="ana")

    assert await state(handle) == "attention"


@pytest.mark.parametrize(
    "said",
    [{}, {"retry": True, "fail": "no"}, {"happened": {"number": 1}, "retry": True}],
)
async def test_exactly_one_thing_must_be_said(client: Client, said: dict[str, Any]) -> None:
    await in_attention(client)

    with pytest.raises(ArgumentError, match="exactly one of happened=RESULT, retry=True and fail="):
        await client.resolve_activity("r", 1, by="ana", **said)


async def test_what_is_not_in_attention_cannot_be_resolved(client: Client) -> None:
    handle = await in_attention(client)
    with pytest.raises(UnknownRunError, match="no run 'x'"):
        await client.resolve_activity("x", 1, retry=True, by="ana")
    with pytest.raises(
        UsageError, match=r"it has no activity #7; .* In attention: charge \(#1\)\. Nothing was"
    ):
        await client.resolve_activity("r", 7, retry=True, by="ana")
    with pytest.raises(ArgumentError, match=r"resolve_activity\(by=…\) needs 1 to 200"):
        await client.resolve_activity("r", 1, retry=True, by=" ")

    await client.resolve_activity("r", 1, fail="no", by="ana")
    with pytest.raises(UsageError, match=r"charge \(#1\) is failed, resolved by ana; only"):
        await client.resolve_activity("r", 1, retry=True, by="bo")
    await go_on(client)
    with pytest.raises(RunClosedError, match="Run r is completed already"):
        await client.resolve_activity("r", 1, retry=True, by="bo")

    assert await handle.result()


async def test_two_people_who_decide_at_once_decide_once(client: Client) -> None:
    handle = await in_attention(client)

    answers = await asyncio.gather(
        *(client.resolve_activity("r", 1, happened=Receipt(n), by=f"p{n}") for n in range(5)),
        return_exceptions=True,
    )

    assert [answer for answer in answers if answer is None] == [None]
    assert all(isinstance(answer, UsageError) for answer in answers if answer is not None)
    kinds = [turn.event.kind for turn in (await handle.history()).turns]
    assert kinds == ["run_started", "activity_completed"]


@workflow.define(name="order")
async def cancellable(customer: str) -> None:
    await charge_blindly(customer)


async def test_a_run_in_attention_can_be_cancelled(client: Client) -> None:
    bank.errors[:] = [ConnectionError("lost")]
    worker = Worker(client, workflows=[cancellable], activities=[charge_blindly])
    handle = await client.start(cancellable, "ann")
    await worker.run_until_idle()

    await handle.cancel()
    await worker.run_until_idle()

    with pytest.raises(RunCancelledError):
        await handle.result()
    assert await state(handle) == "cancelled"


@activity.define(effect="once", timeout=timedelta(milliseconds=20), retry=Retry(max_attempts=1))
async def slow() -> None:
    await asyncio.Event().wait()


@activity.define(effect="once", retry=Retry(max_attempts=1))
async def unwritable() -> Receipt:
    return "no receipt"  # type: ignore[return-value]  # on purpose


@workflow.define
async def calling_slow() -> None:
    await slow()


@workflow.define
async def calling_unwritable() -> None:
    await unwritable()


async def test_an_attempt_that_its_worker_ends_by_its_timeout_is_in_doubt(client: Client) -> None:
    handle = await client.start(calling_slow)

    await Worker(client, workflows=[calling_slow], activities=[slow]).run_until_idle()

    verdict = (await handle.describe()).summary.verdict
    assert verdict.code == "human.attention"
    assert "TimeoutError: no result within 0.02 s" in verdict.why


async def test_a_result_that_cannot_be_recorded_fails_for_good_and_is_never_repeated(
    client: Client,
) -> None:
    handle = await client.start(calling_unwritable)

    await Worker(client, workflows=[calling_unwritable], activities=[unwritable]).run_until_idle()

    with pytest.raises(RunFailedError, match="PayloadError: The result of unwritable cannot be"):
        await handle.result()
