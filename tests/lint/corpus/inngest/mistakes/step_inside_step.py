"""HF703: a step is started inside another one, which Inngest refuses when it runs."""

import inngest

client = inngest.Inngest(app_id="media")


@client.create_function(fn_id="publish", trigger=inngest.TriggerEvent(event="video/uploaded"))
async def publish(ctx: inngest.Context) -> str:
    async def convert() -> str:
        return "converted"

    async def prepare() -> str:
        return await ctx.step.run("convert", convert)  # mistake: HF703

    return await ctx.step.run("prepare", prepare)
