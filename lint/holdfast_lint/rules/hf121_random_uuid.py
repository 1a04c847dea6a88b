"""Random and time-based identifiers."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF121",
    name="random-uuid",
    what=(
        "A workflow makes an identifier from chance or time: `uuid.uuid1()`, `uuid4()`, `uuid6()`, `uuid7()`, "
        "ulid, nanoid."
    ),
    why=(
        "A crash between making the id and using it gives the replay a new one: the order exists twice, or "
        "the child run cannot be found again. `uuid3`, `uuid5` and `UUID(text)` compute their result from the "
        "arguments and are fine."
    ),
    check=effects("HF121", "{name} makes another id in a replay"),
    bad=(
        """\
import uuid

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer}-{uuid.uuid4()}"
""",
        """\
from uuid import uuid1 as new_id

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer}-{new_id().hex}"
""",
    ),
    good=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer}-{workflow.uuid4()}"
""",
        """\
import uuid

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, customer))
""",
    ),
)
