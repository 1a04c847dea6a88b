"""Fine (HF101): the clock, the files and the sleep are in the activity and in `main`, not in the workflow."""

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker


@activity.defn
def stamp(document: str) -> str:
    time.sleep(0.1)
    return f"{document} {datetime.now():%Y-%m-%d}"


@workflow.defn
class Stamp:
    @workflow.run
    async def run(self, document: str) -> str:
        return await workflow.execute_activity(
            stamp, document, start_to_close_timeout=timedelta(minutes=1)
        )


async def main() -> None:
    key = Path("client.key").read_bytes()
    print(f"{datetime.now()}: key of {len(key)} bytes")
    client = await Client.connect("localhost:7233")
    async with Worker(client, task_queue="stamps", workflows=[Stamp], activities=[stamp]):
        await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main())
