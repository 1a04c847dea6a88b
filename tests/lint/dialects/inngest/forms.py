import asyncio
import time
from datetime import timedelta

import inngest

client = inngest.Inngest(app_id="shop")


@client.create_function(fn_id="order", trigger=inngest.TriggerEvent(event="shop/order"))
async def order(ctx: inngest.Context) -> str:
    started = time.time()  # finds HF101
    await ctx.step.run("later", charge, ctx.step.run("now", helper))  # finds HF702
    ctx.step.sleep("pause", timedelta(hours=1))  # finds HF702
    await ctx.step.run("charge", charge, started)
    await ctx.group.parallel((lambda: ctx.step.run("a", helper), lambda: later(ctx)))
    try:
        await ctx.step.sleep("again", timedelta(hours=1))
    except:  # finds HF712
        pass
    return f"{started}"


async def charge(when: float) -> float:
    return time.time()


async def later(ctx: inngest.Context) -> None:
    await asyncio.sleep(1)  # finds HF305


async def helper() -> float:
    return time.time()


def make(made: inngest.Inngest):
    @made.create_function(fn_id="made", trigger=inngest.TriggerCron(cron="0 0 * * *"))
    def nightly(ctx) -> None:
        time.sleep(1)  # finds HF305
        ctx.step.run("charge", lambda: time.time())
        time.time()  # finds HF101

    return nightly
