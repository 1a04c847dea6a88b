"""HF903: the answer that did not come in a day is taken for a refusal."""

from datetime import timedelta

import inngest

client = inngest.Inngest(app_id="approvals")


async def reject() -> str:
    return "rejected"


async def pay() -> str:
    return "paid"


@client.create_function(fn_id="expense", trigger=inngest.TriggerEvent(event="expense/filed"))
async def expense(ctx: inngest.Context) -> str:
    decision = await ctx.step.wait_for_event(  # also: HF903
        "decision", event="expense/decided", timeout=timedelta(days=1)
    )
    approved = bool(decision and decision.data["approved"])  # mistake: HF903
    if not approved:  # also: HF903
        return await ctx.step.run("reject", reject)
    return await ctx.step.run("pay", pay)
