"""HF901: the workflow waits for the promise of an approval without racing it against a timer."""

import restate

expenses = restate.Workflow("expenses")


@expenses.main()
async def run(ctx: restate.WorkflowContext, expense: str) -> bool:
    await ctx.run_typed("ask", lambda: f"please approve {expense}")
    return await ctx.promise("approved", type_hint=bool).value()  # mistake: HF901


@expenses.handler()
async def approve(ctx: restate.WorkflowSharedContext, manager: str) -> None:
    await ctx.promise("approved", type_hint=bool).resolve(manager != "")
