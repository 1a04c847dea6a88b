"""HF601: the event is printed before each step."""

import inngest

client = inngest.Inngest(app_id="audit")


async def store() -> str:
    return "stored"


@client.create_function(fn_id="audit", trigger=inngest.TriggerEvent(event="audit/entry"))
async def audit(ctx: inngest.Context) -> str:
    print(ctx.event.data)  # mistake: HF601
    return await ctx.step.run("store", store)
