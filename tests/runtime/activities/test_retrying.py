"""When and how often a failed attempt is tried again: jitter, Retry-After, exception classes, a budget per run."""

import asyncio
import email.message
import random
import urllib.error
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from holdfast import ActivityError, ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast.clock import VirtualClock, instant
from holdfast.errors import ArgumentError
from holdfast.retry import MAX_RETRY_AFTER, asked_pause_ms

Drive = Callable[..., Awaitable[None]]
SECOND = timedelta(seconds=1)


class LimitedError(Exception):
    def __init__(self, retry_after: Any) -> None:
        super().__init__("slow down")
        self.retry_after = retry_after


def http_error(value: str) -> httpx.HTTPStatusError:
    response = httpx.Response(
        429, headers={"retry-after": value}, request=httpx.Request("GET", "http://x")
    )
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        return error
    raise AssertionError


def urllib_error(value: str) -> urllib.error.HTTPError:
    headers = email.message.Message()
    headers["Retry-After"] = value
    return urllib.error.HTTPError("http://x", 503, "Unavailable", headers, None)


NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)


@pytest.mark.parametrize(
    ("error", "pause_ms"),
    [
        (ApplicationError("busy", retry_after=timedelta(seconds=90)), 90_000),
        (ApplicationError("busy"), None),
        (LimitedError(2), 2_000),
        (LimitedError(0.25), 250),
        (LimitedError(timedelta(minutes=1)), 60_000),
        (LimitedError("soon"), None),
        (LimitedError(retry_after=True), None),
        (LimitedError(float("nan")), None),
        (LimitedError(float("inf")), MAX_RETRY_AFTER // timedelta(milliseconds=1)),
        (LimitedError(-5), 0),
        (http_error("17"), 17_000),
        (http_error(format_datetime(NOW + timedelta(minutes=2), usegmt=True)), 120_000),
        (http_error(format_datetime(NOW - timedelta(minutes=2), usegmt=True)), 0),
        (http_error("next week"), None),
        (http_error("9" * 30), MAX_RETRY_AFTER // timedelta(milliseconds=1)),
        (urllib_error("3"), 3_000),
        (ConnectionError("down"), None),
    ],
    ids=repr,
)
@pytest.mark.construct("Retry-After")
def test_an_error_says_itself_when_to_try_again(error: Exception, pause_ms: int | None) -> None:
    assert asked_pause_ms(error, now_ms=NOW_MS) == pause_ms


class HostileError(Exception):
    @property
    def retry_after(self) -> int:
        raise RuntimeError("no")

    headers = 5


def test_an_error_whose_attributes_raise_asks_for_nothing() -> None:
    assert asked_pause_ms(HostileError(), now_ms=NOW_MS) is None


raised: list[Exception] = []


@activity.define(retry=Retry(initial=SECOND, backoff=1.0, max_interval=SECOND))
async def asked() -> str:
    if raised:
        raise raised.pop(0)
    return "done"


@workflow.define
async def asking() -> str:
    return await asked()


@pytest.mark.construct("ApplicationError(retry_after=)")
async def test_what_the_error_asks_for_takes_the_place_of_the_policys_pause(
    client: Client, clock: VirtualClock, drive: Drive
) -> None:
    later = format_datetime(instant(clock.now_ms + 90_000), usegmt=True)
    raised[:] = [http_error("30"), http_error(later), ConnectionError("down")]
    began = clock.now_ms
    handle = await client.start(asking, id="r")

    await drive(Worker(client, workflows=[asking], activities=[asked]), "r", until="closed.completed")  # fmt: skip

    assert await handle.result() == "done"
    # 30 s, then until 90 s after the start (whole seconds, less what the attempt itself took), then the policy's second.
    assert 90_000 <= clock.now_ms - began <= 91_000


@pytest.mark.construct("Retry(jitter=)", "Retry(max_interval=)")
def test_jitter_takes_up_to_its_fraction_away_and_no_more() -> None:
    seed = 7
    draws = random.Random(seed)
    policy = Retry(initial=10 * SECOND, backoff=2.0, max_interval=15 * SECOND, jitter=0.2)

    pauses = [policy.delay_ms(2, draw=draws.random()) for _ in range(500)]

    assert max(pauses) <= 15_000
    assert min(pauses) >= 12_000, f"seed {seed}"
    assert len(set(pauses)) > 400
    assert policy.delay_ms(1) == 10_000
    assert [Retry(initial=90 * SECOND).delay_ms(n) for n in (1, 2)] == [90_000, 90_000]
    assert Retry(jitter=1.0).delay_ms(1, draw=1.0) == 0
    assert {Retry().delay_ms(1, draw=draws.random()) for _ in range(50)} == {1_000}


@activity.define(retry=Retry(initial=1000 * SECOND, jitter=0.5, max_interval=1000 * SECOND))
async def jittery() -> None:
    raise ConnectionError("down")


@workflow.define
async def many() -> None:
    await asyncio.gather(*(jittery() for _ in range(20)))


async def test_activities_that_fail_together_are_not_tried_again_together(
    client: Client, clock: VirtualClock
) -> None:
    handle = await client.start(many)
    await Worker(client, workflows=[many], activities=[jittery]).run_until_idle()

    waiting = (await handle.describe()).evidence.activities
    pauses = {row.visible_at - clock.now_ms for row in waiting}

    assert len(pauses) > 10
    assert all(500_000 <= pause <= 1_000_000 for pause in pauses)


class CardError(Exception):
    pass


class ExpiredCardError(CardError):
    pass


failing: list[Exception] = []


@activity.define
async def charging() -> None:
    raise failing[0]


def charging_with(*kinds: Any) -> Any:
    step = charging.with_options(retry=Retry(max_attempts=3, initial=timedelta(0), non_retryable=kinds))  # fmt: skip

    @workflow.define
    async def flow() -> int:
        try:
            await step()
        except ActivityError as error:
            return error.attempts
        return 0

    return flow


@pytest.mark.parametrize(
    ("kinds", "error", "attempts"),
    [
        ((CardError,), CardError("no"), 1),
        ((CardError,), ExpiredCardError("no"), 1),  # a subclass counts
        ((ExpiredCardError,), CardError("no"), 3),  # a base does not
        (("CardError",), CardError("no"), 1),
        (("CardError",), ExpiredCardError("no"), 3),  # a name stands for itself
        ((OSError, CardError), ConnectionError("no"), 1),
        ((ValueError,), ConnectionError("no"), 3),
    ],
)
@pytest.mark.construct("Retry(non_retryable=)")
async def test_classes_end_the_retries_with_their_subclasses_and_names_alone(
    client: Client, kinds: tuple[Any, ...], error: Exception, attempts: int
) -> None:
    failing[:] = [error]
    flow = charging_with(*kinds)
    handle = await client.start(flow)

    await Worker(client, workflows=[flow], activities=[charging]).run_until_idle()

    assert await handle.result() == attempts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jitter": 1.5}, r"Retry\(jitter=1.5\): expected a fraction of the pause, from 0.0 to 1.0"),
        ({"jitter": -0.1}, "expected a fraction"),
        ({"jitter": float("nan")}, "expected a fraction"),
        ({"backoff": float("nan")}, r"Retry\(backoff=nan\): expected a finite number, 1.0 or more"),
        ({"backoff": float("inf")}, r"Retry\(backoff=inf\): expected a finite number"),
        ({"backoff": 0}, r"Retry\(backoff=0\)"),
        ({"backoff": -2.0}, r"Retry\(backoff=-2.0\)"),
        ({"backoff": True}, r"Retry\(backoff=True\)"),
        ({"backoff": "2"}, r"Retry\(backoff='2'\)"),
        ({"initial": 1}, r"Retry\(initial=1\): expected a timedelta, for example timedelta\(seconds=1\)"),
        ({"initial": None}, r"Retry\(initial=None\): expected a timedelta"),
        ({"initial": -timedelta(1)}, "a timedelta that is not negative"),
        ({"max_interval": 2.5}, r"for example timedelta\(seconds=2.5\)"),
        ({"max_attempts": 0}, r"Retry\(max_attempts=0\): expected a whole number, 1 or more, or None"),
        ({"max_attempts": 2.5}, r"Retry\(max_attempts=2.5\)"),
        ({"max_attempts": True}, r"Retry\(max_attempts=True\)"),
        ({"max_attempts": float("inf")}, r"Retry\(max_attempts=inf\)"),
        ({"jitter": "some"}, "expected a fraction"),
        ({"non_retryable": ValueError}, r"expected a tuple, for example \(ValueError,\)"),
        ({"non_retryable": "ValueError"}, r"expected a tuple, for example \('ValueError',\)"),
        ({"non_retryable": (int,)}, "<class 'int'> is neither an exception class nor the name of one"),
        ({"non_retryable": (ValueError("x"),)}, "neither an exception class"),
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Retry(**options)


@activity.define(retry=Retry(initial=timedelta(0)))
async def unlucky() -> None:
    raise ConnectionError("down")


async def settle(awaitable: Any) -> str:
    try:
        await awaitable
    except ActivityError as error:
        return f"{error.type} after {error.attempts}: {error.message.partition(': ')[2]}"
    return "done"


@workflow.define(retry_budget=5)
async def spending() -> list[str]:
    return list(await asyncio.gather(settle(unlucky()), settle(unlucky())))


@pytest.mark.parametrize(("given", "budget"), [(None, 5), (2, 2), (0, 0)])
@pytest.mark.construct("workflow.define(retry_budget=)", "Client.start(retry_budget=)")
async def test_all_activities_of_a_run_share_its_budget_of_retries(
    client: Client, given: int | None, budget: int
) -> None:
    handle = await client.start(spending, retry_budget=given)

    await Worker(client, workflows=[spending], activities=[unlucky]).run_until_idle()

    ended = await handle.result()
    assert all(text.startswith("RetryBudgetExhausted after ") for text in ended)
    assert all(f"used up its budget of {budget} retries; last ConnectionError: down" in text for text in ended)  # fmt: skip
    detail = await handle.describe()
    assert (detail.retry_budget, detail.retries_used) == (budget, budget)
    assert sum(row.attempt for row in detail.activities) == 2 + budget


async def test_without_a_budget_retries_are_counted_all_the_same(
    client: Client, drive: Drive
) -> None:
    raised[:] = [ConnectionError("1"), ConnectionError("2")]
    handle = await client.start(asking, id="r")

    await drive(Worker(client, workflows=[asking], activities=[asked]), "r", until="closed.completed")  # fmt: skip

    detail = await handle.describe()
    assert (detail.retry_budget, detail.retries_used) == (None, 2)


def test_a_backoff_beyond_all_numbers_meets_the_longest_pause() -> None:
    assert Retry(backoff=1e300).delay_ms(50) == 60_000


async def test_a_negative_budget_is_refused(client: Client) -> None:
    with pytest.raises(ArgumentError, match=r"start\(retry_budget=-1\)"):
        await client.start(asking, retry_budget=-1)
    with pytest.raises(ArgumentError, match=r"workflow.define\(retry_budget=-1\)"):
        workflow.define(retry_budget=-1)
    assert await client.list() == []
