"""Suppressions without a reason, or without a code."""

from holdfast_lint.rule import Rule, nothing

RULE = Rule(
    code="HF991",
    name="unexplained-suppression",
    what="A `# holdfast: ignore[...]` comment gives no reason, or names no code.",
    why=(
        "Whoever reads it next year must be able to tell a decision from a mistake. The form is "
        "`# holdfast: ignore[HF101] why this is right here`, on the line of the finding or on the `def` line of its "
        "function."
    ),
    check=nothing,
    bad=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {time.time()}"  # holdfast: ignore[HF101]
""",
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer  # holdfast: ignore this line is fine
""",
    ),
    good=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {time.time()}"  # holdfast: ignore[HF101] shown to people only
""",
    ),
)
