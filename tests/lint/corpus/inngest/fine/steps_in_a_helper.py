"""Fine (HF703): the helper is called by the function, not by a step, so its steps stand side by side."""

import inngest

client = inngest.Inngest(app_id="media")


async def convert() -> str:
    return "converted"


async def upload() -> str:
    return "uploaded"


async def publish_all(step: inngest.Step) -> list[str]:
    converted = await step.run("convert", convert)
    return [converted, await step.run("upload", upload)]


@client.create_function(fn_id="publish", trigger=inngest.TriggerEvent(event="video/uploaded"))
async def publish(ctx: inngest.Context) -> list[str]:
    ctx.logger.info("publishing %s", ctx.event.data["video"])
    return await publish_all(ctx.step)
