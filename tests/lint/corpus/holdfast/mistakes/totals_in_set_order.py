"""HF401: a dictionary keeps the order of the set that it was made from, and the loop over it awaits."""

from holdfast import activity, workflow


@activity.define
async def send_statement(customer: str, cents: int) -> None: ...


@workflow.define
async def statements(orders: list[tuple[str, int]]) -> int:
    customers = {customer for customer, _ in orders}
    totals = {
        name: sum(cents for who, cents in orders if who == name) for name in customers
    }  # also: HF401 or HF402
    for customer, cents in totals.items():  # mistake: HF401
        await send_statement(customer, cents)
    return len(totals)
