"""Fine (HF203): only the name of a file is worked out, and no file is touched."""

import posixpath
from datetime import timedelta
from pathlib import PurePosixPath

from temporalio import activity, workflow


@activity.defn
def convert(source: str, target: str) -> int:
    with open(source, "rb") as file:
        return len(file.read()) + len(target)


@workflow.defn
class Convert:
    @workflow.run
    async def run(self, source: str) -> str:
        path = PurePosixPath("/videos") / source
        target = str(path.with_suffix(".webm").relative_to("/videos"))
        await workflow.execute_activity(
            convert,
            args=[str(path), posixpath.join("/out", target)],
            start_to_close_timeout=timedelta(minutes=30),
        )
        return target
