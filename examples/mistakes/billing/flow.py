"""The workflow looks clean: it only calls its own steps."""

from holdfast import activity, workflow

from . import steps


@activity.define
async def send_invoice(number: str, text: str) -> None: ...


@workflow.define
async def invoice(customer: str) -> str:
    number = steps.next_number(customer)
    await send_invoice(number, steps.cover_letter(customer))
    return number
