"""Other programs."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF206",
    name="subprocess",
    what="A workflow starts another program: `subprocess`, `os.system()`, `os.exec*()`, `os.fork()`.",
    why="Every replay would start it again, and the workflow blocks its worker while it runs.",
    check=effects("HF206", "{name} runs another program, and every replay would do it again"),
    bad=(
        """\
import subprocess

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    done = subprocess.run(["pdftotext", customer], check=True, capture_output=True)
    return str(done.stdout)
""",
        """\
from os import system

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(system(customer))
""",
    ),
    good=(
        """\
import subprocess

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return str(subprocess.check_output(["pdftotext", customer]))


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
    ),
)
