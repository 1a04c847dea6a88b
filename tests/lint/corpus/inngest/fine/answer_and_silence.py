"""Fine (HF903): an answer that did not come has a branch of its own."""

from datetime import timedelta

import inngest

client = inngest.Inngest(app_id="payments")


async def ask_again() -> str:
    return "asked again"


@client.create_function(fn_id="collect", trigger=inngest.TriggerEvent(event="invoice/sent"))
async def collect(ctx: inngest.Context) -> str:
    payment = await ctx.step.wait_for_event(
        "payment", event="payment/arrived", timeout=timedelta(days=1)
    )
    if payment is None:
        return await ctx.step.run("ask-again", ask_again)
    return "paid" if payment.data["complete"] else "paid in part"
