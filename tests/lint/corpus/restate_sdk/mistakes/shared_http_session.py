"""HF204: the handler awaits a request of its own, outside `ctx.run`."""

import httpx
import restate

addresses = restate.Service("addresses")
session = httpx.AsyncClient(base_url="https://addresses.example.org")


@addresses.handler()
async def verify(ctx: restate.Context, address: str) -> bool:
    answer = await session.get("/verify", params={"q": address})  # mistake: HF204
    return await ctx.run_typed("store", lambda: answer.status_code == 200)
