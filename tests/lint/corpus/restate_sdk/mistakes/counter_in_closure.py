"""HF503: the closure that is recorded adds to a variable of the handler, which replay leaves at zero."""

import restate

imports = restate.Service("imports")


@imports.handler()
async def load(ctx: restate.Context, rows: list[str]) -> int:
    stored = 0

    def store(row: str) -> str:
        nonlocal stored
        stored += 1  # mistake: HF503
        return row.upper()

    for row in rows:
        await ctx.run_typed("store", store, row=row)
    return stored
