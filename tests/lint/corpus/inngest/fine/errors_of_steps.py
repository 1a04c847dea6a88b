"""Fine (HF712): the error of a step is caught by its class, and cleaned up after by a step."""

import inngest

client = inngest.Inngest(app_id="sync")


async def pull() -> int:
    return 3


async def roll_back() -> int:
    return 0


@client.create_function(fn_id="sync", trigger=inngest.TriggerCron(cron="*/5 * * * *"))
async def sync(ctx: inngest.Context) -> int:
    try:
        return await ctx.step.run("pull", pull)
    except inngest.StepError as error:
        ctx.logger.warning("could not pull: %s", error)
        return await ctx.step.run("roll-back", roll_back)
