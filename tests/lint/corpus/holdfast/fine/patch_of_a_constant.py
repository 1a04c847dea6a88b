"""Fine (HF810): the id of the patch is a constant, and a loop gives each round a key."""

from holdfast import activity, workflow

TAX = "tax-2026"


@activity.define
async def bill(customer: str, *, tax: bool) -> None: ...


@workflow.define
async def billing(customers: list[str]) -> None:
    for number, customer in enumerate(customers):
        await bill(customer, tax=workflow.patched(TAX, key=number))
