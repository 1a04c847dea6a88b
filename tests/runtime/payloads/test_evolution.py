"""A type may change while runs are open: what still fits goes on, what does not is held until it does."""

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest

from holdfast import Client, Worker
from holdfast.clock import VirtualClock
from holdfast.replay import replay

Load = Callable[[str, str], ModuleType]

SHOP = """
from holdfast import Retry, activity, workflow
from pydantic import AliasChoices, BaseModel, Field

class Price(BaseModel):
    {fields}

@activity.define(retry=Retry(max_attempts=1))
async def quote(price: Price) -> Price: return price

@workflow.define
async def order(amount: int) -> Price:
    price = await quote(Price({made}))
    await workflow.approval("ok", ask="?", to=["ops"], answer=bool)
    return price
"""
OLD = SHOP.format(fields="amount: int", made="amount=amount")


def worker_of(client: Client, code: ModuleType) -> Worker:
    return Worker(client, workflows=[code.order], activities=[code.quote])


@pytest.mark.construct("a field added with a default")
async def test_an_added_field_with_a_default_is_drift_that_says_so(
    client: Client, module: Load
) -> None:
    old = module("shop", OLD)
    handle = await client.start(old.order, 3)
    await worker_of(client, old).run_until_idle()
    await handle.decide("ok", answer=True, by="ana")
    new = module(
        "shop", SHOP.format(fields='amount: int; currency: str = "EUR"', made="amount=amount + 1")
    )

    await worker_of(client, new).run_until_idle()

    detail = await handle.describe()
    (drift,) = replay(await handle.history(), new.order).drifts
    assert detail.summary.status == "completed"
    assert [row["code"] for row in detail.drifts] == ["DR06"]
    assert drift.changes == (
        "args[0].amount: was 3, now 4",
        'args[0].currency: added, default "EUR"',
    )


CHANGES = {
    "required": (
        "amount: int; currency: str",
        'amount=amount, currency="EUR"',
        "currency: Field required",
    ),
    "type": ("amount: bool", "amount=True", "amount: Input should be a valid boolean"),
    "renamed": ("cents: int", "cents=amount", "cents: Field required"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.construct("a value that no longer decodes")
async def test_a_result_that_no_longer_decodes_holds_the_run_until_it_does(
    client: Client, module: Load, change: str
) -> None:
    fields, made, why = CHANGES[change]
    old = module("shop", OLD)
    handle = await client.start(old.order, 3)
    await worker_of(client, old).run_until_idle()
    await handle.decide("ok", answer=True, by="ana")

    await worker_of(client, module("shop", SHOP.format(fields=fields, made=made))).run_until_idle()
    held = (await handle.describe()).summary
    await worker_of(client, module("shop", OLD)).run_until_idle()

    assert (held.status, held.verdict.code) == ("open", "stuck.poison_payload")
    assert f"The result of quote does not decode as Price: {why}" in held.verdict.why
    assert 'Recorded: {"amount": 3}' in held.verdict.why
    assert "a default" in held.verdict.why
    assert await client.get(handle.id).result() == {"amount": 3}


async def test_a_renamed_field_with_its_old_name_as_alias_goes_on(
    client: Client, module: Load
) -> None:
    old = module("shop", OLD)
    handle = await client.start(old.order, 3)
    await worker_of(client, old).run_until_idle()
    await handle.decide("ok", answer=True, by="ana")
    fields = 'cents: int = Field(validation_alias=AliasChoices("cents", "amount"))'
    new = module("shop", SHOP.format(fields=fields, made="cents=amount"))

    await worker_of(client, new).run_until_idle()

    assert await client.get(handle.id).result() == {"cents": 3}


async def test_an_activity_whose_arguments_no_longer_decode_waits_for_code_that_reads_them(
    client: Client, clock: VirtualClock, module: Load
) -> None:
    old = module("shop", OLD)
    handle = await client.start(old.order, 3)
    await Worker(client, workflows=[old.order]).run_until_idle()
    new = module("shop", SHOP.format(fields="cents: int", made="cents=amount"))
    for _ in range(3):
        await Worker(client, activities=[new.quote]).run_until_idle()
        clock.advance(timedelta(seconds=6))

    (waiting,) = (await handle.describe()).activities
    await worker_of(client, module("shop", OLD)).run_until_idle()
    (done,) = (await handle.describe()).activities

    assert (waiting.state, waiting.attempt) == ("backoff", 0)
    assert "Argument 'price' of quote does not decode as Price: cents" in (
        waiting.error_message or ""
    )
    assert (done.state, done.attempt) == ("completed", 1)
