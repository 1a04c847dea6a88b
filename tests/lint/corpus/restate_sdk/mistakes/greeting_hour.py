"""HF101: what the greeting says depends on the clock of the process that replays it."""

from datetime import datetime

import restate

greeter = restate.Service("greeter")


@greeter.handler()
async def greet(ctx: restate.Context, name: str) -> str:
    part = "morning" if datetime.now().hour < 12 else "day"  # mistake: HF101
    await ctx.run_typed("log", lambda: f"greeted {name}")
    return f"Good {part}, {name}"
