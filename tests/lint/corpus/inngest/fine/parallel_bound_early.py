"""Fine (HF718): each lambda keeps its address as a default argument."""

import inngest

client = inngest.Inngest(app_id="mail")


async def send(address: str) -> str:
    return f"sent to {address}"


@client.create_function(fn_id="mail", trigger=inngest.TriggerEvent(event="mail/requested"))
async def mail(ctx: inngest.Context) -> int:
    jobs = tuple(
        lambda address=address: ctx.step.run(f"send-{address}", send, address)
        for address in ctx.event.data["to"]
    )
    return len(await ctx.group.parallel(jobs))
