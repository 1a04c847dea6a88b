"""Fine (HF203): paths are put together and taken apart, and no file is touched."""

import os.path
from pathlib import PurePosixPath

from holdfast import activity, workflow


@activity.define
def convert(source: str, target: str) -> int:
    with open(source, "rb") as file, open(target, "wb") as out:
        return out.write(file.read())


@workflow.define
async def convert_all(sources: list[str]) -> list[str]:
    targets = [str(PurePosixPath(source).with_suffix(".webp")) for source in sources]
    for source, target in zip(sources, targets, strict=True):
        await convert(source, os.path.join("/out", os.path.basename(target)))
    return targets
