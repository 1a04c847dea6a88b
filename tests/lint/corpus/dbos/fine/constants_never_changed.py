"""Fine (HF504): the workflow reads constants of the module, which nothing in the project changes."""

from typing import Final

from dbos import DBOS

LIMITS: Final = {"gold": 10_000, "silver": 1_000}
default_limit = 100


@DBOS.step()
def charge(customer: str, cents: int) -> str:
    return f"{customer}: {cents}"


@DBOS.workflow()
def pay(customer: str, level: str, cents: int) -> str:
    if cents > LIMITS.get(level, default_limit):
        return "too much"
    return charge(customer, cents)
