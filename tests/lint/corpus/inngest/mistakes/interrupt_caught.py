"""HF712: `except BaseException` around steps catches the interrupt that ends each call."""

import inngest

client = inngest.Inngest(app_id="sync")


async def pull() -> int:
    return 3


@client.create_function(fn_id="sync", trigger=inngest.TriggerCron(cron="*/5 * * * *"))
async def sync(ctx: inngest.Context) -> int:
    try:
        return await ctx.step.run("pull", pull)
    except BaseException as error:  # mistake: HF712
        ctx.logger.warning("could not pull: %s", error)
        return 0
