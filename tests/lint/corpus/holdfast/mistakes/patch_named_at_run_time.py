"""HF810: the id of a patch is put together while the run goes on, so nobody can say which patches there are."""

from holdfast import activity, workflow


@activity.define
async def bill(customer: str) -> None: ...


@activity.define
async def bill_with_tax(customer: str) -> None: ...


@workflow.define
async def billing(customer: str, country: str) -> None:
    if workflow.patched(f"tax-{country}"):  # mistake: HF810
        await bill_with_tax(customer)
    else:
        await bill(customer)
