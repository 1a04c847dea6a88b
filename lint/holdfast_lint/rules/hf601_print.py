"""Printing."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF601",
    name="print",
    severity="warning",
    what="A workflow prints: `print()`, `sys.stdout`, `click.echo()`, a rich console.",
    why="The line appears again in every replay, without saying which run wrote it.",
    check=effects("HF601", "{name} prints again in every replay"),
    bad=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    print(f"order of {customer}")
    return customer
""",
        """\
from rich.console import Console

CONSOLE = Console()


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    CONSOLE.print(customer)
    return customer
""",
    ),
    good=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    workflow.logger.info("order of %s", customer)
    return customer
""",
        """\
from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    print(customer)
    return customer


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
    ),
)
