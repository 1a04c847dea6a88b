"""HF305 or HF303: `asyncio.sleep` is no durable timer; a crash starts the hour over."""

import asyncio

import restate

reminders = restate.VirtualObject("reminders")


@reminders.handler()
async def remind(ctx: restate.ObjectContext, text: str) -> None:
    ctx.set("next", text)
    await asyncio.sleep(3600)  # mistake: HF305 or HF303
    ctx.clear("next")
