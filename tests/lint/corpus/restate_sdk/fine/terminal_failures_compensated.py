"""Fine (HF713): only the error that ends a handler is caught; it is compensated and raised again."""

import restate

trips = restate.Service("trips")


@trips.handler()
async def book(ctx: restate.Context, trip: str) -> str:
    undo = []
    try:
        undo.append("hotel")
        await ctx.run_typed("hotel", lambda: f"hotel for {trip}")
        undo.append("flight")
        await ctx.run_typed("flight", lambda: f"flight for {trip}")
    except restate.TerminalError:
        for what in reversed(undo):
            await ctx.run_typed(f"cancel {what}", lambda what=what: f"cancelled {what}")
        raise
    return trip
