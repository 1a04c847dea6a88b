"""Fine (HF101): a sleep is known by its id, and keeps the time of its first call."""

from datetime import UTC, datetime, timedelta

import inngest

client = inngest.Inngest(app_id="reminders")


async def remind() -> str:
    return "reminded"


@client.create_function(fn_id="remind", trigger=inngest.TriggerEvent(event="trial/started"))
async def remind_tomorrow(ctx: inngest.Context) -> str:
    await ctx.step.sleep_until("tomorrow", datetime.now(UTC) + timedelta(days=1))
    return await ctx.step.run("remind", remind)
