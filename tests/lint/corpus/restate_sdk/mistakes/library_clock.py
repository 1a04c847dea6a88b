"""HF104 or HF101: pendulum's `now` is the clock of the process as well."""

import pendulum
import restate

invoices = restate.Service("invoices")


@invoices.handler()
async def issue(ctx: restate.Context, order: str) -> str:
    due = pendulum.now("UTC").add(days=14)  # mistake: HF104 or HF101
    return await ctx.run_typed("issue", lambda: f"{order} due {due.isoformat()}")
