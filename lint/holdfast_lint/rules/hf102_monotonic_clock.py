"""Reading a monotonic or processor clock."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF102",
    name="monotonic-clock",
    what=(
        "A workflow reads a clock that counts from an arbitrary start: `time.monotonic()`, "
        "`time.perf_counter()`, `time.process_time()`."
    ),
    why=(
        "Such a clock starts anew with every process. A run that moves to another worker, or replays, sees "
        "numbers that have nothing to do with the first ones."
    ),
    check=effects("HF102", "{name} measures this process, not the run"),
    bad=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    started = time.monotonic()
    return f"{customer} {started}"
""",
        """\
from time import perf_counter

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {perf_counter()}"
""",
    ),
    good=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    started = workflow.now()
    return f"{customer} {workflow.now() - started}"
""",
        """\
import time

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    started = time.perf_counter()
    return f"{customer} {time.perf_counter() - started}"


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
    ),
)
