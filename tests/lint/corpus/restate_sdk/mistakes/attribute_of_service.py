"""HF501 or HF504: the handler counts in an attribute of an object that all invocations of the process share."""

import restate

votes = restate.Service("votes")


class Tally:
    def __init__(self) -> None:
        self.count = 0


tally = Tally()


@votes.handler()
async def vote(ctx: restate.Context, choice: str) -> int:
    tally.count += 1  # mistake: HF501 or HF504
    await ctx.run_typed("store", lambda: f"voted {choice}")
    return tally.count  # also: HF501 or HF504
