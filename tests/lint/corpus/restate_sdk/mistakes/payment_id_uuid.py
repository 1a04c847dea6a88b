"""HF121: the id of the payment is drawn outside the journal, so a retry pays under another one."""

import uuid

import restate

payments = restate.Service("payments")


async def pay(payment: str, cents: int) -> str:
    return f"{payment}: {cents}"


@payments.handler()
async def checkout(ctx: restate.Context, cents: int) -> str:
    payment = uuid.uuid4().hex  # mistake: HF121
    return await ctx.run_typed("pay", pay, payment=payment, cents=cents)
