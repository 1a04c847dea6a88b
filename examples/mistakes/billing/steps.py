"""Plain steps of the invoice, built on the tools."""

from .tools import retrying, stamp


def next_number(customer: str) -> str:
    return f"{customer}-{stamp()}"


@retrying(attempts=3)
def cover_letter(customer: str) -> str:
    return f"Dear {customer}"
