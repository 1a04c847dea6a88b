"""Fine (HF101): clock, chance and network are in the handlers of steps."""

import random
from datetime import datetime

import httpx
import inngest

client = inngest.Inngest(app_id="shop")


async def draw() -> int:
    return random.randint(5, 15)


async def send(discount: int) -> str:
    async with httpx.AsyncClient() as http:
        await http.put("https://mail.example.org/welcome", json={"discount": discount})
    return datetime.now().isoformat()


@client.create_function(fn_id="welcome", trigger=inngest.TriggerEvent(event="customer/created"))
async def welcome(ctx: inngest.Context) -> str:
    discount = await ctx.step.run("draw", draw)
    return await ctx.step.run("send", send, discount)
