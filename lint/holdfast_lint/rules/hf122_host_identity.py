"""Facts about the machine or process."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF122",
    name="host-identity",
    what="A workflow asks where it runs: host name, process id, user, thread id.",
    why=(
        "A run moves between workers. After a crash or a deploy the answer is another one, although the run "
        "is the same."
    ),
    check=effects("HF122", "{name} differs from worker to worker"),
    bad=(
        """\
import os

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer}@{os.getpid()}"
""",
        """\
import socket

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return f"{customer}@{socket.gethostname()}"
""",
    ),
    good=(
        """\
import socket

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return f"{customer}@{socket.gethostname()}"


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
    ),
)
