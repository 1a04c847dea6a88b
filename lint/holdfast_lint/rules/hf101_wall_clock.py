"""Reading the wall clock."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF101",
    name="wall-clock",
    what=(
        "A workflow reads the wall clock: `datetime.now()`, `date.today()`, `time.time()` or a library's "
        "equivalent."
    ),
    why=(
        "A replay runs the same code hours or months later. The clock then shows another time, the workflow "
        "takes another branch or hands other arguments to its activities, and the run no longer fits its "
        "history."
    ),
    check=effects("HF101", "{name} reads the wall clock, so a replay sees another time"),
    bad=(
        """\
from datetime import datetime

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    opened = datetime.now()
    return f"{customer} {opened:%Y}"
""",
        """\
import time as clock

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {clock.time()}"
""",
        """\
import datetime as dt

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    today = dt.date.today
    return f"{customer} {today()}"
""",
    ),
    good=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    opened = workflow.now()
    return f"{customer} {opened:%Y}"
""",
        """\
from datetime import UTC, datetime

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return f"{customer} {datetime.now(UTC)}"


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
        """\
from datetime import datetime

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {datetime(2024, 5, 1).isoformat()}"
""",
    ),
)
