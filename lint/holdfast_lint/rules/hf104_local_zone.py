"""The time zone of the machine."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF104",
    name="local-zone",
    what=(
        "A workflow turns times around by the time zone of the machine: `time.localtime(…)`, `time.mktime(…)`, "
        "`datetime.fromtimestamp(…)` without a zone, `datetime.astimezone()`, `time.tzname`."
    ),
    why=(
        "A replay may run on a machine with another zone, and sees another hour or another day. With an explicit zone "
        "the same computation is pure and is not reported."
    ),
    check=effects(
        "HF104", "{name} takes the time zone of this worker, and a replay may run in another"
    ),
    bad=(
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str, placed: float) -> str:
    return f"{customer} {time.localtime(placed).tm_hour}"
""",
        """\
from datetime import datetime

from holdfast import workflow


@workflow.define
async def order(customer: str, placed: float) -> str:
    return f"{customer} {datetime.fromtimestamp(placed):%H:%M}"
""",
        """\
import time

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + time.tzname[0]
""",
    ),
    good=(
        """\
from datetime import UTC, datetime

from holdfast import workflow


@workflow.define
async def order(customer: str, placed: float) -> str:
    return f"{customer} {datetime.fromtimestamp(placed, UTC):%H:%M}"
""",
        """\
from zoneinfo import ZoneInfo

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer} {workflow.now().astimezone(ZoneInfo('Europe/Berlin')):%H:%M}"
""",
    ),
)
