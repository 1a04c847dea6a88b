"""Suppressions that suppress nothing."""

from holdfast_lint.rule import Rule, nothing

RULE = Rule(
    code="HF990",
    name="unused-suppression",
    severity="warning",
    what="A `# holdfast: ignore[...]` comment names a code that finds nothing there, or that no rule has.",
    why="It tells the reader of a problem that is gone, and would hide the next one at this place.",
    check=nothing,
    bad=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {workflow.now()}"  # holdfast: ignore[HF101] shown to people only
""",
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer  # holdfast: ignore[HF100] a code that never was
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
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:  # holdfast: ignore[HF101, HF305] a demonstration, never replayed
    time.sleep(1)
    return f"{customer} {time.time()}"
""",
    ),
)
