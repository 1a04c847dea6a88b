"""Reading the environment."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF201",
    name="environment-read",
    what=(
        "A workflow reads environment variables or the home folder: `os.environ`, `os.getenv()`, "
        "`Path.home()`."
    ),
    why=(
        "The environment belongs to a deployment, not to a run. After the next deploy a replay reads other "
        "values than the run was started with."
    ),
    check=effects(
        "HF201", "{name} reads the environment of this worker, which may change before a replay"
    ),
    bad=(
        """\
import os

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + os.environ["REGION"]
""",
        """\
from os import getenv

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + getenv("REGION", "eu")
""",
    ),
    good=(
        """\
import os

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return customer + os.environ["REGION"]


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
        """\
import os

REGION = os.getenv("REGION", "eu")


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer + ("" if customer else REGION)
""",
    ),
)
