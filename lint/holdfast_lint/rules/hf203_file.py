"""Files and folders."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF203",
    name="file-access",
    what=(
        "A workflow touches the file system: `open()`, the reading and writing methods of `Path`, `shutil`, "
        "`tempfile`, `glob`, the file functions of `os`."
    ),
    why=(
        "Files live on one machine and change. A replay, perhaps on another worker, reads something else or "
        "writes a second time."
    ),
    check=effects("HF203", "{name} touches the file system, and every replay would do it again"),
    bad=(
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    with open(f"{customer}.txt") as file:
        return file.read()
""",
        """\
from pathlib import Path

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return (Path("orders") / customer).read_text()
""",
        """\
import os.path

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(os.path.exists(customer))
""",
    ),
    good=(
        """\
from pathlib import Path

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(Path("orders", customer).with_suffix(".txt"))
""",
        """\
from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return customer.replace("-", "_")
""",
        """\
from pathlib import Path

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return Path(customer).read_text()


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
    ),
)
