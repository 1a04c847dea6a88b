"""Changing the environment."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF202",
    name="environment-write",
    what="A workflow changes environment variables.",
    why=(
        "The environment is shared by every run and activity of the worker, and the change is made again by "
        "every replay."
    ),
    check=effects("HF202", "{name} changes the worker for every other run"),
    bad=(
        """\
import os

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    os.environ["CUSTOMER"] = customer
    return customer
""",
        """\
import os

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    os.environ.update(CUSTOMER=customer)
    return customer
""",
    ),
    good=(
        """\
import os

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    os.environ["CUSTOMER"] = customer
    return customer


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
    ),
)
