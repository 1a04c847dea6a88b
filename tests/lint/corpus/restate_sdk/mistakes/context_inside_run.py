"""HF703: a recorded action uses the context that records it."""

import restate

orders = restate.VirtualObject("orders")


@orders.handler()
async def place(ctx: restate.ObjectContext, article: str) -> str:
    async def book() -> str:
        ctx.set("article", article)  # mistake: HF703
        return f"booked {article}"

    return await ctx.run_typed("book", book)
