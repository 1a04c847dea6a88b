"""HF702: the durable sleep is made and not awaited."""

from datetime import timedelta

import restate

trials = restate.Service("trials")


@trials.handler()
async def trial(ctx: restate.Context, customer: str) -> str:
    ctx.sleep(timedelta(days=14))  # mistake: HF702
    await ctx.run_typed("mail", lambda: f"the trial of {customer} has ended")
    return "ended"
