"""HF111: the function starts over before each step, and draws another discount each time."""

import random

import inngest

client = inngest.Inngest(app_id="shop")


@client.create_function(fn_id="welcome", trigger=inngest.TriggerEvent(event="customer/created"))
async def welcome(ctx: inngest.Context) -> int:
    discount = random.randint(5, 15)  # mistake: HF111
    await ctx.step.sleep("settle", 60_000)

    async def send() -> str:
        return f"{discount} % for {ctx.event.data['customer']}"

    await ctx.step.run("send", send)
    return discount
