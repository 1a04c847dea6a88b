"""Threads and executors."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF301",
    name="thread",
    what=(
        "A workflow hands work to a thread: `threading.Thread`, `ThreadPoolExecutor`, `asyncio.to_thread()`, "
        "`run_in_executor()`."
    ),
    why=(
        "Threads finish in any order and outlive the turn that started them, so a replay sees another order. "
        "Plain functions become activities: those run in threads by themselves."
    ),
    check=effects("HF301", "{name} runs code outside the deterministic event loop"),
    bad=(
        """\
import asyncio

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return await asyncio.to_thread(customer.upper)
""",
        """\
import asyncio

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, customer.upper)
""",
        """\
from concurrent.futures import ThreadPoolExecutor

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    with ThreadPoolExecutor() as pool:
        return pool.submit(customer.upper).result()
""",
    ),
    good=(
        """\
import asyncio

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(1))
    return customer
""",
    ),
)
