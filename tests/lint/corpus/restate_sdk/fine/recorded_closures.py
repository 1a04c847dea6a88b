"""Fine (HF601): what `payment` and the lambda do is recorded: they are handed to `run_typed`."""

import time
import uuid

import restate

payments = restate.Service("payments")


@payments.handler()
async def pay(ctx: restate.Context, cents: int) -> str:
    async def payment(reference: str) -> str:
        print(f"paying {cents} at {time.time()}")
        return f"{reference}-{uuid.uuid4()}"

    reference = await ctx.run_typed("reference", lambda: str(uuid.uuid4()))
    return await ctx.run_typed("payment", payment, reference=reference)
