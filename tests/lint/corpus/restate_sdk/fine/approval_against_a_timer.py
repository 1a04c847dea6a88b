"""Fine (HF901): the promise is raced against a durable timer, and both outcomes are told apart."""

from datetime import timedelta

import restate

expenses = restate.Workflow("expenses")


@expenses.main()
async def run(ctx: restate.WorkflowContext, expense: str) -> str:
    ctx.set("waiting-for", "the manager")
    match await restate.select(
        approved=ctx.promise("approved", type_hint=bool).value(),
        timeout=ctx.sleep(timedelta(days=2)),
    ):
        case ["approved", True]:
            return f"{expense} approved"
        case ["approved", _]:
            return f"{expense} rejected"
        case _:
            return f"nobody decided about {expense}"


@expenses.handler()
async def approve(ctx: restate.WorkflowSharedContext, manager: str) -> None:
    await ctx.promise("approved", type_hint=bool).resolve(manager != "")
