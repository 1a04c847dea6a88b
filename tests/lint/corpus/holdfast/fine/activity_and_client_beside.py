"""Fine (HF101): the activity and the script that starts the run use clock, files, network and ids freely."""

import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from holdfast import Client, activity, workflow


@activity.define(timeout=timedelta(minutes=1))
def fetch(url: str) -> int:
    time.sleep(0.1)
    text = httpx.get(url).text
    Path("/tmp/page.html").write_text(text)
    print(f"{datetime.now()}: {len(text)} characters")
    return len(text)


@workflow.define
async def size(urls: list[str]) -> int:
    return sum([await fetch(url) for url in urls])


async def main() -> None:
    async with Client("sqlite:///runs.db") as client:
        await client.start(size, ["https://example.org"], id=f"size-{uuid.uuid4()}")
