"""HF204: the request outside the steps is made once more before every step."""

import httpx
import inngest

client = inngest.Inngest(app_id="orders")


@client.create_function(fn_id="fulfil", trigger=inngest.TriggerEvent(event="order/placed"))
async def fulfil(ctx: inngest.Context) -> str:
    async with httpx.AsyncClient() as http:  # also: HF204
        answer = await http.get(
            f"https://orders.example.org/{ctx.event.data['id']}"
        )  # mistake: HF204
    order = answer.json()

    async def ship() -> str:
        return f"shipped {order['article']}"

    return await ctx.step.run("ship", ship)
