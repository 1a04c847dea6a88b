"""Fine (HF303): durable futures are combined by restate's own functions."""

from datetime import timedelta

import restate

shipping = restate.Service("shipping")


@shipping.handler()
async def quote(ctx: restate.Context, carrier: str) -> int:
    return len(carrier)


@shipping.handler()
async def cheapest(ctx: restate.Context, carriers: list[str]) -> int:
    calls = [ctx.service_call(quote, arg=carrier) for carrier in carriers]
    await restate.gather(*calls, ctx.sleep(timedelta(seconds=1)))
    return min([await call for call in calls])
