"""Code that the checker cannot follow."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF999",
    name="coverage-gap",
    severity="info",
    what="A workflow runs code that only exists at run time: `eval()`, `exec()`, `importlib.import_module()`.",
    why=(
        "What that code does stays unchecked, and a clean report would promise too much. Calls whose target "
        "stays unknown are counted in the closing line instead. This finding is for information and does not "
        "fail the check."
    ),
    check=effects("HF999", "{name} runs code that the checker cannot see"),
    bad=(
        """\
from importlib import import_module

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    steps = import_module(f"shop.{customer}")
    return str(steps)
""",
    ),
    good=(
        """\
import json

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(json.loads(customer))
""",
    ),
)
