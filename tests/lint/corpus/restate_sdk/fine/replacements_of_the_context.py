"""Fine (HF111): the context has a clock, random numbers and ids that are journaled or seeded."""

import restate

lottery = restate.Service("lottery")
logger = restate.getLogger("lottery")


@lottery.handler()
async def draw(ctx: restate.Context, tickets: list[str]) -> dict[str, object]:
    winner = ctx.random().choice(tickets)
    logger.info("drew %s", winner)
    return {"id": str(ctx.uuid()), "winner": winner, "at": await ctx.time()}
