"""HF718: all steps of the group send to the last address."""

import inngest

client = inngest.Inngest(app_id="mail")


async def send(address: str) -> str:
    return f"sent to {address}"


@client.create_function(fn_id="mail", trigger=inngest.TriggerEvent(event="mail/requested"))
async def mail(ctx: inngest.Context) -> int:
    jobs = []
    for address in ctx.event.data["to"]:
        jobs.append(lambda: ctx.step.run(f"send-{address}", send, address))  # mistake: HF718
    return len(await ctx.group.parallel(tuple(jobs)))
