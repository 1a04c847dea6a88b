import restate

from suspension_swallowed.retrying import three_times

couriers = restate.Service("couriers")


@three_times
async def book(ctx: restate.Context, parcel: str) -> str:
    await ctx.run_typed("book", lambda: f"courier for {parcel}")
    return parcel


@couriers.handler()
async def send(ctx: restate.Context, parcel: str) -> str | None:
    return await book(ctx, parcel)
