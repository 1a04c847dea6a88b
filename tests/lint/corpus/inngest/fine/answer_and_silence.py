"""Fine (HF903): an answer that did not come has a branch of its own."""

from datetime import timedelta

import inngest

client = inngest.Inngest(app_id="approvals")


async def ask_again() -> str:
    return "asked again"


@client.create_function(fn_id="expense", trigger=inngest.TriggerEvent(event="expense/filed"))
async def expense(ctx: inngest.Context) -> str:
    decision = await ctx.step.wait_for_event(
        "decision", event="expense/decided", timeout=timedelta(days=1)
    )
    if decision is None:
        return await ctx.step.run("ask-again", ask_again)
    return "paid" if decision.data["approved"] else "rejected"
