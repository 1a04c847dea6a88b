"""HF124 or HF101: a step whose id has the time in it is another step on the next call, and runs again."""

from datetime import datetime

import inngest

client = inngest.Inngest(app_id="billing")


async def bill() -> str:
    return "billed"


@client.create_function(fn_id="bill", trigger=inngest.TriggerCron(cron="0 6 * * *"))
async def bill_all(ctx: inngest.Context) -> str:
    return await ctx.step.run(f"bill-{datetime.now():%H%M%S}", bill)  # mistake: HF124 or HF101
