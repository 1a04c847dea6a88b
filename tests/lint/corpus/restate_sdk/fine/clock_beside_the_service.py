"""Fine (HF101): the script that calls the service reads the clock, and no handler does."""

import asyncio
from datetime import datetime

import httpx
import restate

greeter = restate.Service("greeter")


@greeter.handler()
async def greet(ctx: restate.Context, name: str) -> str:
    return await ctx.run_typed("greet", lambda: f"Hello {name}")


app = restate.app([greeter])


async def main() -> None:
    async with httpx.AsyncClient() as client:
        await client.post("http://localhost:8080/greeter/greet", json=f"Ada at {datetime.now()}")
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main())
