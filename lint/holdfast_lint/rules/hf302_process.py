"""Processes."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF302",
    name="process",
    what=(
        "A workflow starts a process: `multiprocessing`, `ProcessPoolExecutor`, "
        "`asyncio.create_subprocess_exec()`."
    ),
    why=(
        "Every replay would start it again, and what it computes reaches the workflow in an order that no "
        "history knows."
    ),
    check=effects("HF302", "{name} starts a process, and every replay would do it again"),
    bad=(
        """\
import asyncio

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    child = await asyncio.create_subprocess_exec("pdftotext", customer)
    return str(child)
""",
        """\
from multiprocessing import Pool

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    with Pool(2) as pool:
        return str(pool.map(len, [customer]))
""",
    ),
    good=(
        """\
import asyncio

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    await asyncio.wait_for(asyncio.sleep(1), 2)
    return customer
""",
    ),
)
