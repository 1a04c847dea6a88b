"""HF122: the lock is taken in the name of the process, and another process goes on after the sleep."""

import os

import inngest

client = inngest.Inngest(app_id="locks")


async def lock(owner: int) -> int:
    return owner


@client.create_function(fn_id="lock", trigger=inngest.TriggerEvent(event="lock/wanted"))
async def hold(ctx: inngest.Context) -> bool:
    owner = os.getpid()  # mistake: HF122
    held = await ctx.step.run("lock", lock, owner)
    await ctx.step.sleep("hold", 60_000)
    return held == owner
