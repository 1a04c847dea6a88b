"""HF303: `asyncio.gather` waits for durable futures behind the back of the journal."""

import asyncio

import restate

shipping = restate.Service("shipping")


@shipping.handler()
async def quote(ctx: restate.Context, carrier: str) -> int:
    return len(carrier)


@shipping.handler()
async def cheapest(ctx: restate.Context, carriers: list[str]) -> int:
    calls = [ctx.service_call(quote, arg=carrier) for carrier in carriers]
    return min(await asyncio.gather(*calls))  # mistake: HF303
