import inngest

from total_of_steps.booking import Ledger

client = inngest.Inngest(app_id="ledger")


@client.create_function(fn_id="book", trigger=inngest.TriggerEvent(event="invoice/paid"))
async def book(ctx: inngest.Context) -> int:
    ledger = Ledger()
    for number, cents in enumerate(ctx.event.data["lines"]):
        await ctx.step.run(f"book-{number}", ledger.book, cents)
    return ledger.total
