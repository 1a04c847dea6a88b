"""Fine (HF702): sending gives a handle at once and needs no await, and calls are awaited further down."""

import restate

orders = restate.Service("orders")


@orders.handler()
async def bill(ctx: restate.Context, order: str) -> str:
    return f"billed {order}"


@orders.handler()
async def place(ctx: restate.Context, order: str) -> list[str]:
    ctx.service_send(bill, arg=f"{order} (copy)")
    first = ctx.service_call(bill, arg=order)
    second = ctx.service_call(bill, arg=f"{order} (gift)")
    return [await first, await second]
