"""The random module."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF111",
    name="random",
    what="A workflow draws from the process-wide generator of `random` (or `numpy.random`).",
    why=(
        "A replay draws other numbers. Whatever hangs on them, such as a branch, a delay or an argument, no "
        "longer fits the history."
    ),
    check=effects("HF111", "{name} gives other values in a replay"),
    bad=(
        """\
import random

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + random.choice("ab")
""",
        """\
from random import randint as draw

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {draw(1, 6)}"
""",
        """\
import random

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return "".join(sorted(customer, key=lambda _: random.random()))
""",
    ),
    good=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + workflow.random().choice("ab")
""",
        """\
import random

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    dice = random.Random(customer)
    return f"{customer} {dice.randint(1, 6)}"
""",
    ),
)
