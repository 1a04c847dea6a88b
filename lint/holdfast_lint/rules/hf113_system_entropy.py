"""Entropy of the operating system."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF113",
    name="system-entropy",
    what=(
        "A workflow asks the operating system for entropy: `os.urandom()`, `secrets.token_hex()` and the "
        "like."
    ),
    why=(
        "Secrets cannot be drawn twice. In a replay the workflow would work with another one than the "
        "activities were given."
    ),
    check=effects("HF113", "{name} gives other bytes in a replay"),
    bad=(
        """\
import secrets

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + secrets.token_hex(8)
""",
        """\
from os import urandom

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + urandom(8).hex()
""",
    ),
    good=(
        """\
import secrets

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return customer + secrets.token_hex(8)


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
        """\
import secrets

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(secrets.compare_digest(customer, "Ada"))
""",
    ),
)
