"""Random generators without a seed, or shared by all runs."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF112",
    name="unseeded-generator",
    what="A workflow makes a random generator without a seed, or draws from one that was made at import time.",
    why=(
        "Without a seed the numbers differ in every replay. A generator made at import time is shared by all "
        "runs of the process, so even with a seed a run draws what the others left over."
    ),
    check=effects("HF112", "{name} is seeded differently in a replay, or shared with other runs"),
    bad=(
        """\
import random

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    dice = random.Random()
    return f"{customer} {dice.randint(1, 6)}"
""",
        """\
from random import Random

DICE = Random(7)


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {DICE.randint(1, 6)}"
""",
    ),
    good=(
        """\
from random import Random

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    dice = Random(7)
    return f"{customer} {dice.randint(1, 6)}"
""",
    ),
)
