"""Standard input and arguments of the process."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF207",
    name="terminal-input",
    what="A workflow reads what somebody typed: `input()`, `sys.stdin`, `sys.argv`.",
    why=(
        "A worker has no terminal, and its arguments are not those of the run. To wait for a person, use "
        "`workflow.approval`."
    ),
    check=effects("HF207", "{name} reads from the terminal or command line of this worker"),
    bad=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + input("Send? ")
""",
        """\
import sys

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + sys.argv[1]
""",
    ),
    good=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    await workflow.approval("send", ask="Send?", to=["support"], answer=bool)
    return customer
""",
    ),
)
