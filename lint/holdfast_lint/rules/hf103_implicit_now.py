"""Functions that mean now when no time is given."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF103",
    name="implicit-now",
    what=(
        "A workflow calls a function that takes the current time when it is given none: "
        "`time.strftime(format)`, `time.gmtime()`, `email.utils.formatdate()`."
    ),
    why=(
        "The clock is read inside the library, where nobody looks for it. With an explicit time the same "
        "function is pure and is not reported."
    ),
    check=effects("HF103", "{name} without a time means now, so a replay sees another time"),
    bad=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + time.strftime("%Y-%m-%d")
""",
        """\
from email.utils import formatdate

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + formatdate()
""",
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {time.gmtime(None).tm_year}"
""",
    ),
    good=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + time.strftime("%Y-%m-%d", time.gmtime(0))
""",
        """\
from email.utils import formatdate

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + formatdate(workflow.now().timestamp())
""",
    ),
)
