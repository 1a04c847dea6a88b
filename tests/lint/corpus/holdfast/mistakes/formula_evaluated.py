"""HF209: a formula from the input is run as code, and what it does nobody can say."""

from holdfast import activity, workflow


@activity.define
async def pay_bonus(employee: str, cents: int) -> None: ...


@workflow.define
async def bonus(employee: str, formula: str, revenue: int) -> int:
    cents = int(eval(formula, {"revenue": revenue}))  # mistake: HF209
    await pay_bonus(employee, cents)
    return cents
